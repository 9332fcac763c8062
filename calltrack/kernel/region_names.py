"""How regions are called in English: those that phone numbers can tell."""

from typing import Final

_NAMES: Final[dict[str, str]] = {
    "AT": "9 Vienna",
    "CA": "AB Alberta; BC British Columbia; MB Manitoba; NB New Brunswick; NL Newfoundland and Labrador; "
    "ON Ontario; QC Quebec; SK Saskatchewan",
    "CH": "BE Bern; GE Geneva; GR Grisons; TI Ticino; VD Vaud; VS Valais; ZH Zurich",
    "DE": "BB Brandenburg; BE Berlin; BW Baden-Württemberg; BY Bavaria; HB Bremen; HE Hesse; HH Hamburg; "
    "NW North Rhine-Westphalia; SN Saxony; TH Thuringia",
    "ES": "AN Andalusia; AR Aragon; AS Asturias; CB Cantabria; CL Castile and León; CM Castilla-La Mancha; "
    "CN Canary Islands; CT Catalonia; EX Extremadura; GA Galicia; IB Balearic Islands; MC Murcia; MD Madrid; "
    "NC Navarre; PV Basque Country; RI La Rioja; VC Valencian Community",
    "FR": "IDF Île-de-France",
    "IT": "21 Piedmont; 23 Aosta Valley; 25 Lombardy; 32 Trentino-South Tyrol; 34 Veneto; "
    "36 Friuli-Venezia Giulia; 42 Liguria; 45 Emilia-Romagna; 52 Tuscany; 55 Umbria; 57 Marche; 62 Lazio; "
    "65 Abruzzo; 67 Molise; 72 Campania; 75 Apulia; 77 Basilicata; 78 Calabria; 82 Sicily; 88 Sardinia",
    "US": "AK Alaska; AL Alabama; AR Arkansas; AZ Arizona; CA California; CO Colorado; CT Connecticut; "
    "DC Washington, D.C.; DE Delaware; FL Florida; GA Georgia; HI Hawaii; IA Iowa; ID Idaho; IL Illinois; "
    "IN Indiana; KS Kansas; KY Kentucky; LA Louisiana; MA Massachusetts; MD Maryland; ME Maine; MI Michigan; "
    "MN Minnesota; MO Missouri; MS Mississippi; MT Montana; NC North Carolina; ND North Dakota; NE Nebraska; "
    "NH New Hampshire; NJ New Jersey; NM New Mexico; NV Nevada; NY New York; OH Ohio; OK Oklahoma; "
    "OR Oregon; PA Pennsylvania; RI Rhode Island; SC South Carolina; SD South Dakota; TN Tennessee; "
    "TX Texas; UT Utah; VA Virginia; VT Vermont; WA Washington State; WI Wisconsin; "
    "WV West Virginia; WY Wyoming",
}
_BY_CODE: Final = {
    f"{country}-{code}": name
    for country, listed in _NAMES.items()
    for code, _, name in (one.partition(" ") for one in listed.split("; "))
}


def region_name(region: str) -> str:
    """Return a region's name; the region as it is written where none is known."""
    return _BY_CODE.get(region, region)
