"""The time zones of Microsoft Advertising accounts by the names its interface gives them.

Some names are misspelt there, and some differ between accounts and reports; both are known here.
"""

from typing import Final

_LINES: Final = """
AucklandWellington Pacific/Auckland|CanberraMelbourneSydney Australia/Sydney|Brisbane Australia/Brisbane
Adelaide Australia/Adelaide|Darwin Australia/Darwin|Hobart Australia/Hobart|Perth Australia/Perth
Seoul Asia/Seoul|OsakaSapporoTokyo Asia/Tokyo|Taipei Asia/Taipei|KualaLumpurSingapore Asia/Singapore
BeijingChongqingHongKongUrumqi Asia/Shanghai|BangkokHanoiJakarta Asia/Bangkok
ChennaiKolkataMumbaiNewDelhi Asia/Kolkata|IslamabadKarachiTashkent Asia/Karachi|Kathmandu Asia/Kathmandu
AbuDhabiMuscat Asia/Dubai|BakuTbilisiYerevan Asia/Tbilisi|Tehran Asia/Tehran|Nairobi Africa/Nairobi
MoscowStPetersburgVolgograd Europe/Moscow|KuwaitRiyadh Asia/Riyadh|Baghdad Asia/Baghdad
Jerusalem Asia/Jerusalem|HelsinkiKyivRigaSofiaTallinnVilnius Europe/Helsinki
HararePretoria Africa/Johannesburg|Cairo Africa/Cairo|Bucharest Europe/Bucharest
AthensBuckarestIstanbul Europe/Athens|WestCentralAfrica Africa/Lagos
SarajevoSkopjeWarsawZagreb Europe/Warsaw|BrusselsCopenhagenMadridParis Europe/Paris
BelgradeBratislavaBudapestLjubljanaPrague Europe/Prague
AmsterdamBerlinBernRomeStockholmVienna Europe/Berlin|CasablancaMonrovia Africa/Casablanca
GreenwichMeanTimeDublinEdinburghLisbonLondon Europe/London|Azores Atlantic/Azores
CapeVerdeIsland Atlantic/Cape_Verde|Brasilia America/Sao_Paulo
BuenosAiresGeorgetown America/Argentina/Buenos_Aires|Newfoundland America/St_Johns
AtlanticTimeCanada America/Halifax|CaracasLaPaz America/La_Paz|Santiago America/Santiago
BogotaLimaQuito America/Bogota|EasternTimeUSCanada America/New_York
IndianaEast America/Indiana/Indianapolis|CentralAmerica America/Guatemala
CentralTimeUSCanada America/Chicago|GuadalajaraMexicoCityMonterrey America/Mexico_City
Saskatchewan America/Regina|Arizona America/Phoenix|ChihuahuaLaPazMazatlan America/Mazatlan
MountainTimeUSCanada America/Denver|PacificTimeUSCanadaTijuana America/Los_Angeles
Alaska America/Anchorage|Hawaii Pacific/Honolulu|Nukualofa Pacific/Tongatapu
FijiKamchatkaMarshallIsland Pacific/Fiji|MagadanSolomonIslandNewCaledonia Pacific/Noumea
SolomonIslandNewCaledonia Pacific/Noumea|GuamPortMoresby Pacific/Guam|Vladivostok Asia/Vladivostok
Yakutsk Asia/Yakutsk|IrkutskUlaanBataar Asia/Irkutsk|Krasnoyarsk Asia/Krasnoyarsk|Rangoon Asia/Yangon
SriJayawardenepura Asia/Colombo|AstanaDhaka Asia/Dhaka|AlmatyNovosibirsk Asia/Almaty|Kabul Asia/Kabul
Ekaterinburg Asia/Yekaterinburg|IslandamabadKarachiTashkent Asia/Karachi
AthensIslandanbulMinsk Europe/Athens|MidAtlantic Atlantic/South_Georgia|Greenland America/Nuuk
MidwayIslandAndSamoa Pacific/Pago_Pago|MidwayIslandandSamoa Pacific/Pago_Pago
InternationalDateLineWest Etc/GMT+12
"""
ZONES: Final[dict[str, str]] = {
    name: zone
    for name, _, zone in (pair.partition(" ") for line in _LINES.split("\n") for pair in line.split("|"))
    if name
}
_OF_ACCOUNTS_ONLY: Final = frozenset(
    (
        "AthensBuckarestIstanbul",
        "IslamabadKarachiTashkent",
        "MidwayIslandAndSamoa",
        "SolomonIslandNewCaledonia",
    )
)
# How reports call a time zone.
REPORT_ZONES: Final[dict[str, str]] = {
    zone: name for name, zone in ZONES.items() if name not in _OF_ACCOUNTS_ONLY
}
