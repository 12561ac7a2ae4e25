"""Currencies of ISO 4217, and to how many decimals their averages are rounded. Pure.

Source: list one (current) and list three (historic) of the maintenance agency (SIX Group), both published on
2026-01-01. Of list three: the codes withdrawn in January 1999 or later, since orders are of 2000 or later. A later
amendment of ISO 4217 is a change of these tables.
"""

from collections.abc import Mapping

_BY_MINOR_UNITS: Mapping[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
        CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
        HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
        MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
        RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
        USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHOUT_MINOR_UNITS = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
"""Metals, units of account, and the codes for tests and for no currency; list one says N.A."""
_HISTORIC = """
    ADP AFA ANG AON AOR ATS AYM AZM BEF BGL BGN BYB BYR CHC CSD CUC CYP DEM ECS ECV EEK ESP FIM FRF GHC GHP
    GRD HRK IEP ITL LTL LUF LVL MGF MRO MTL MZM NLG PTE ROL RUR SDD SIT SKK SLL SRG STD TJR TMM TPE TRL USS
    VEB VEF XEU XFO XFU XRE YUM ZMK ZRN ZWD ZWL ZWN ZWR"""
"""List three has no minor units; none of these had more than 2."""

LEAST_DECIMALS = 2
_DECIMALS = {
    code: max(minor, LEAST_DECIMALS)
    for minor, codes in _BY_MINOR_UNITS.items()
    for code in codes.split()
}
CURRENCIES = frozenset({*_DECIMALS, *_WITHOUT_MINOR_UNITS.split(), *_HISTORIC.split()})
"""Every code that an event may have."""


def average_decimals(currency: str | None) -> int:
    """To how many decimals an average of amounts is rounded: the minor units of the currency, at least 2.

    2 also without a currency, for one without minor units, and for a code that was stored before codes were checked.
    """
    return _DECIMALS.get(currency or "", LEAST_DECIMALS)
