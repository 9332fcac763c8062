"""Hashes that our code did not make: each is what `printf %s TEXT | sha256sum` prints."""

SHA256 = {
    "+390669940001": "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44",
    "+493012345678": "b947f8ad7dc00f0f4ba3da5a5fbdf3959603e725e50858e8383eb4fd109fc591",
    "+12025550123": "d5ab8b77e69a81dfc634c3556c620d5d6753df6fc28c73c88c79a9332b705382",
    "+442079460958": "f0bf0228144d9fe2bdf1da2d8ca698f17bf1410ee688b075c27062e47b6f0b6d",
    "+4915112345678": "536afd523e19dc83fccba822ef5e4ca646111314aaf0aa286667c5bea18dd70b",
    "anna.rossi@example.it": "35968d1150796b2b64ba9bce513749d507646b849a41f5848d09c1ab78ae918e",
    "j.smith+ads@gmail.com": "0cd9a4348b4304e739746aaad8a0e63af8c96ce3fca1615a53fda6d9f4ddcae6",
    "hans.m\u00fcller@example.de": "68d72b7153bee4dc5652c695fc4a3bb7890b2ac88f9c3946e6e1523ed3ab1ec2",
    "jane@example.com": "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d",
    "j.s.m.i.t.h@googlemail.com": "0ed821e14664e7555d007396ef1652b344cbeb55e0410e2bc1612ac725510619",
}
