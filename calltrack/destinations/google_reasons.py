"""Google Data Manager's reasons: what each one means for a conversion, and what a person should do.

Two tables, complete for Google's client library 0.9.4: `REFUSALS` for a request refused at once
(ErrorReason) and `PROCESSING` for the verdict that comes later (ProcessingErrorReason, its prefix taken off).
Google adds reasons; `refusal` and `processing` say what an unknown one means.
"""

from datetime import timedelta
from typing import Final

from calltrack.destinations.outcomes import Class, Outcome

SIX_HOURS = timedelta(hours=6)
WAIT = "Nothing to do: calltrack sends it again by itself."
OPERATOR = "Nothing you can change: the operator of calltrack has been told."
NONE = "Nothing to do."
CONVERSION_ACTION = (
    'In Google Ads open Goals > Conversions, choose an action of the type "Import from clicks" of this very '
    "account, and copy its number (ctId in the address bar) into the settings."
)
ACCOUNT = "Compare the customer number in the settings with the account that owns the conversion action."
ACCESS = (
    "Give the connected Google user access to this Google Ads account, or connect with a user who has it."
)
TERMS = "In Google Ads open Goals > Settings > Customer data terms and accept them, then resume."
LEADS = "In Google Ads open Goals > Settings and turn on enhanced conversions for leads, then resume."
PERSON = "Look at the call: the e-mail address or phone number stored for it is not a usable one."
CLICK = "The click id in the address of the page was damaged or invented; check what rewrites your URLs."

Row = tuple[Class, str, str]

_LATER, _CONFIG, _ROW, _BUG, _SPLIT, _DONE = (
    Class.LATER,
    Class.CONFIG,
    Class.ROW,
    Class.BUG,
    Class.SPLIT,
    Class.DONE,
)

REFUSALS: Final[dict[str, Row]] = {
    "ERROR_REASON_UNSPECIFIED": (_LATER, "Google refused without a reason.", WAIT),
    "INTERNAL_ERROR": (_LATER, "Google had an internal error.", WAIT),
    "DEADLINE_EXCEEDED": (_LATER, "Google took too long.", WAIT),
    "RESOURCE_EXHAUSTED": (_LATER, "Google takes no more requests at the moment.", WAIT),
    "CONVERSION_ACTION_TOO_RECENTLY_CREATED": (
        _LATER,
        "The conversion action is brand new; Google needs about six hours before it takes conversions.",
        WAIT,
    ),
    "NOT_FOUND": (_CONFIG, "Google does not find the account or the conversion action.", ACCOUNT),
    "PERMISSION_DENIED": (_CONFIG, "The connected Google user may not send to this account.", ACCESS),
    "INVALID_DESTINATION": (_CONFIG, "Google does not accept this account as a destination.", ACCOUNT),
    "TERMS_AND_CONDITIONS_NOT_SIGNED": (_CONFIG, "Google's terms are not accepted yet.", TERMS),
    "INVALID_CONVERSION_ACTION_ID": (_CONFIG, "The conversion action does not exist.", CONVERSION_ACTION),
    "INVALID_CONVERSION_ACTION_TYPE": (
        _CONFIG,
        "The conversion action is not made for imported conversions.",
        CONVERSION_ACTION,
    ),
    "DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS": (
        _CONFIG,
        "Enhanced conversions for leads are switched off in this account.",
        LEADS,
    ),
    "DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS": (
        _CONFIG,
        "Google's customer data policy does not let this account use e-mail addresses and phone numbers.",
        'Turn off "Send hashed phone and e-mail" in the settings, or ask your Google contact.',
    ),
    "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": (
        _CONFIG,
        "The customer data terms are not accepted in this account.",
        TERMS,
    ),
    "UNSUPPORTED_OPERATING_ACCOUNT_FOR_DATA_PARTNER": (
        _CONFIG,
        "This account cannot be reached by way of a data partner.",
        ACCOUNT,
    ),
    "UNSUPPORTED_LINKED_ACCOUNT_FOR_DATA_PARTNER": (
        _CONFIG,
        "This account cannot be reached by way of a data partner.",
        ACCOUNT,
    ),
    "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT": (
        _CONFIG,
        "A linked account only works for data partners.",
        ACCOUNT,
    ),
    "DIFFERENT_LOGIN_ACCOUNTS_NOT_ALLOWED_FOR_DATA_PARTNER": (
        _CONFIG,
        "A data partner must use one login account.",
        ACCOUNT,
    ),
    "DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED": (
        _CONFIG,
        "The data partner may not change this account.",
        ACCESS,
    ),
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": (
        _CONFIG,
        "The manager account in the settings does not manage this account.",
        "Correct the manager account number in the settings, or leave it empty.",
    ),
    "NOT_ALLOWLISTED": (
        _CONFIG,
        "Google has not opened this feature for the account.",
        "Ask your Google contact to allow it for this account.",
    ),
    "EVENT_SOURCE_AND_DESTINATION_MISMATCH": (
        _CONFIG,
        "The conversion action does not take conversions from phone calls.",
        'Choose another "Where it happened" in the settings, or another conversion action.',
    ),
    "DESTINATION_ACCOUNT_TYPE_MISMATCH": (
        _CONFIG,
        "The number is not one of a Google Ads account.",
        ACCOUNT,
    ),
    "MISMATCHED_ACCOUNT_TYPE": (_CONFIG, "The number is not one of a Google Ads account.", ACCOUNT),
    "CUSTOM_VARIABLE_NOT_ENABLED": (
        _CONFIG,
        "A custom variable is switched off in Google Ads.",
        "Enable the variable in Google Ads under Goals > Custom variables.",
    ),
    "CUSTOM_VARIABLE_NOT_FOUND": (
        _CONFIG,
        "A custom variable does not exist in Google Ads.",
        "Create the variable in Google Ads under Goals > Custom variables.",
    ),
    "THIRD_PARTY_USER_DATA_NOT_ALLOWED": (_CONFIG, "Only data partners may send third-party data.", ACCOUNT),
    "ACCOUNT_INELIGIBLE_FOR_STORE_SALES": (
        _CONFIG,
        "The conversion action is one for store sales, which this account may not use.",
        CONVERSION_ACTION,
    ),
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": (
        _CONFIG,
        "The account must first declare whether its campaigns are political advertising in the EU.",
        "In Google Ads answer the question on political advertising for every campaign.",
    ),
    "CUSTOM_VARIABLE_VALUE_CONTAINS_PII": (_ROW, "A custom variable holds personal data.", PERSON),
    "INVALID_CUSTOM_VARIABLE_VALUE": (_ROW, "A custom variable holds a value Google does not take.", NONE),
    "NO_IDENTIFIERS_PROVIDED": (
        _ROW,
        "There is neither a click id nor a phone number or e-mail address to match the call by.",
        NONE,
    ),
    "EVENT_TIME_INVALID": (_ROW, "The time of the call lies outside what Google accepts.", NONE),
    "INVALID_AD_IDENTIFIER_FOR_ACCOUNT": (
        _ROW,
        "The click belongs to another Google Ads account.",
        "If this happens for many calls, the customer number in the settings is the wrong one.",
    ),
    "INVALID_POSTAL_CODE": (_ROW, "The postal code is not a valid one.", PERSON),
    "INVALID_REGION_CODE": (_ROW, "The country is not a valid one.", PERSON),
    "INVALID_COUNTRY_CODE": (_ROW, "The country is not a valid one.", PERSON),
    "INVALID_CURRENCY_CODE": (
        _ROW,
        "Google does not know the currency.",
        "Use a three-letter currency such as EUR.",
    ),
    "INVALID_EVENT": (_ROW, "Google does not accept the conversion as it stands.", NONE),
    "FIELD_VALUE_TOO_LONG": (_ROW, "A value is longer than Google takes.", NONE),
    "FIELD_VALUE_TOO_SHORT": (_ROW, "A value is shorter than Google takes.", NONE),
    "INVALID_MOBILE_ID_FORMAT": (_ROW, "The device id is not a valid one.", NONE),
    "INVALID_SUBDIVISION_CODE": (_ROW, "The region is not a valid one.", NONE),
    "INVALID_SUBCONTINENT_CODE": (_ROW, "The region is not a valid one.", NONE),
    "INVALID_CONTINENT_CODE": (_ROW, "The continent is not a valid one.", NONE),
    "INVALID_DEVICE_CATEGORY": (_ROW, "The device is not one Google knows.", NONE),
    "INVALID_COUPON_CODE": (_ROW, "The coupon is not a valid one.", NONE),
    "INVALID_MERCHANT_ID": (_ROW, "The merchant number is not a valid one.", NONE),
    "INVALID_MERCHANT_FEED_LANGUAGE_CODE": (_ROW, "The language is not a valid one.", NONE),
    "BOTH_CLIENT_ID_AND_APP_INSTANCE_ID_NOT_ALLOWED": (_BUG, "The request was built wrong.", OPERATOR),
    "INVALID_ARGUMENT": (_BUG, "The request was built wrong.", OPERATOR),
    "REQUIRED_FIELD_MISSING": (_BUG, "A required field is missing.", OPERATOR),
    "INVALID_FORMAT": (_BUG, "A field has the wrong form.", OPERATOR),
    "INVALID_NUMBER_FORMAT": (_BUG, "A number has the wrong form.", OPERATOR),
    "INVALID_ENUM_VALUE": (_BUG, "A field has a value Google does not know.", OPERATOR),
    "INVALID_HEX_ENCODING": (_BUG, "A hash is not hexadecimal.", OPERATOR),
    "INVALID_BASE64_ENCODING": (_BUG, "A hash is not base64.", OPERATOR),
    "INVALID_SHA256_FORMAT": (_BUG, "A hash is not a SHA-256.", OPERATOR),
    "TOO_MANY_USER_IDENTIFIERS": (_BUG, "More than 10 identifiers in one conversion.", OPERATOR),
    "TOO_FEW_ELEMENTS": (_BUG, "A list in the request is too short.", OPERATOR),
    "RESERVED_NAME_USED": (_BUG, "A reserved name was used.", OPERATOR),
    "MULTIPLE_DATA_TYPES_NOT_ALLOWED": (_BUG, "Different kinds of data were mixed.", OPERATOR),
    "DUPLICATE_DESTINATION_REFERENCE": (_BUG, "An account is named twice in the request.", OPERATOR),
    "TOO_MANY_EVENTS": (_SPLIT, "Too many conversions in one request.", WAIT),
    "TOO_MANY_DESTINATIONS": (_SPLIT, "Too many accounts in one request.", WAIT),
    "TOO_MANY_ELEMENTS": (_SPLIT, "A list in the request is too long.", WAIT),
    "INVALID_REQUEST_ID": (_BUG, "Google does not know the receipt number.", OPERATOR),
    "REQUEST_TOO_OLD": (_BUG, "Google keeps receipts for about 50 days; this one is gone.", OPERATOR),
}

# Reasons about audiences, licences, analytics and other services: a conversion cannot cause them, so the
# account or the request is not what we think it is.
NOT_ABOUT_CONVERSIONS: Final[frozenset[str]] = frozenset(
    {
        "INVALID_USER_LIST_TYPE",
        "INVALID_AUDIENCE_MEMBER",
        "TOO_MANY_AUDIENCE_MEMBERS",
        "INVALID_USER_LIST_ID",
        "INVALID_PROPERTY_TYPE",
        "INVALID_STREAM_TYPE",
        "INVALID_EVENT_NAME",
        "MULTIPLE_DESTINATIONS_FOR_GOOGLE_ANALYTICS_EVENT",
        "ALREADY_EXISTS",
        "IMMUTABLE_FIELD_FOR_UPDATE",
        "INVALID_RESOURCE_NAME",
        "INVALID_FILTER",
        "INVALID_UPDATE_MASK",
        "INVALID_PAGE_TOKEN",
        "CANNOT_UPDATE_DISABLED_LICENSE",
        "CANNOT_CREATE_LICENSE_FOR_SENSITIVE_USERLIST",
        "INSUFFICIENT_COST",
        "CANNOT_DISABLE_LICENSE",
        "INVALID_CLIENT_ACCOUNT_ID",
        "PRICING_ONLY_ZERO_COST_ALLOWED",
        "PRICE_TOO_HIGH",
        "CUSTOMER_NOT_ALLOWED_TO_CREATE_LICENSE",
        "INVALID_PRICING_END_DATE",
        "CANNOT_LICENSE_LOGICAL_LIST_WITH_LICENSED_OR_SHARED_SEGMENT",
        "MEDIA_SHARE_COST_NOT_ALLOWED_FOR_LICENSE_TYPE",
        "MEDIA_SHARE_COST_NOT_ALLOWED_FOR_CLIENT_CUSTOMER",
        "INVALID_MEDIA_SHARE_COST",
        "INVALID_COST_TYPE",
        "MEDIA_SHARE_COST_NOT_ALLOWED_FOR_NON_COMMERCE_USER_LIST",
        "MAX_COST_NOT_ALLOWED",
        "COMMERCE_AUDIENCE_CAN_ONLY_BE_DIRECTLY_LICENSED",
        "INVALID_DESCRIPTION",
        "INVALID_DISPLAY_NAME",
        "DISPLAY_NAME_ALREADY_USED",
        "OWNERSHIP_REQUIRED_FOR_UPDATE",
        "USER_LIST_MUTATION_NOT_SUPPORTED",
        "SENSITIVE_USER_LIST_IMMUTABLE",
        "BILLABLE_RECORD_COUNT_IMMUTABLE",
        "USER_LIST_NAME_RESERVED",
        "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA",
        "UNSUPPORTED_PARTNER_AUDIENCE_SOURCE",
        "COMMERCE_PARTNER_NOT_ALLOWED",
        "UNSUPPORTED_PARTNER_AUDIENCE_INFO",
        "PARTNER_MATCH_FOR_MANAGER_ACCOUNT_DISALLOWED",
        "DATA_PARTNER_NOT_ALLOWLISTED_FOR_THIRD_PARTY_PARTNER_DATA",
        "ADVERTISER_TOS_NOT_ACCEPTED",
        "ADVERTISER_NOT_ALLOWLISTED_FOR_THIRD_PARTY_PARTNER_DATA",
        "USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT",
        "INVALID_COMMERCE_PARTNER",
        "CUSTOMER_NOT_ALLOWLISTED_FOR_COMMERCE_AUDIENCE",
        "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES",
        "UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG",
        "UNSUPPORTED_ACCOUNT_TYPES_FOR_USER_LIST_TYPE",
        "UNSUPPORTED_ACCOUNT_TYPE_FOR_PARTNER_LINK",
        "MEMBERSHIP_DURATION_TOO_LONG",
        "GOOGLE_ANALYTICS_SUBPROPERTY_OR_ROLLUP_PROPERTY_NOT_ALLOWED",
        "TOO_MANY_USERS",
        "BASELINE_LOCATION_AUTO_DETECTION_FAILED",
        "INSIGHTS_MISSING_FOR_DIMENSION",
        "REQUIRED_PREREQUISITE_LINK_MISSING",
        "INVALID_REMOVE_AS_OF_TIME",
    }
)

# Reasons of Google's API platform, which stands before every Google API: what is wrong and what to do.
PLATFORM_REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "SERVICE_DISABLED": (
        "The Data Manager API is not switched on in the Google Cloud project.",
        "Ask whoever runs calltrack to enable the Data Manager API in the Google Cloud console, then resume.",
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        "The connection was made without the permission to send conversions.",
        "Connect the Google account again and tick the permission for Google Ads data on Google's page.",
    ),
    "CONSUMER_SUSPENDED": (
        "Google has suspended the Google Cloud project.",
        "Ask whoever runs calltrack to look at the project in the Google Cloud console.",
    ),
    "USER_PROJECT_DENIED": (
        "The connected Google user may not use the Google Cloud project.",
        "Ask whoever runs calltrack to look at the project in the Google Cloud console.",
    ),
}

_ENCRYPTION = "The key for encrypted identifiers could not be used."

PROCESSING: Final[dict[str, Row]] = {
    "UNSPECIFIED": (_ROW, "Google gave no reason.", NONE),
    "TOO_RECENT_CLICK": (
        _LATER,
        "The click is so recent that Google has not processed it yet; it takes about six hours.",
        WAIT,
    ),
    "INTERNAL_ERROR": (_LATER, "Google had an internal error while processing.", WAIT),
    "DUPLICATE_GCLID": (_DONE, "Google already has this conversion.", NONE),
    "DUPLICATE_TRANSACTION_ID": (_DONE, "Google already has this conversion.", NONE),
    "INVALID_GCLID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_GBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_WBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_AD_IDENTIFIERS": (_ROW, "Google cannot read the click id.", CLICK),
    "EVENT_ID_DECODE_ERROR": (_ROW, "Google cannot read the click id.", CLICK),
    "EVENT_TOO_OLD": (_ROW, "The call is older than Google accepts for this conversion action.", NONE),
    "DENIED_CONSENT": (_ROW, "The visitor, or the account's own setting, denied the use of the data.", NONE),
    "NO_CONSENT": (
        _ROW,
        "The account has not agreed to pass data to Google's core services.",
        "In Google Ads check Tools > Data manager > consent settings.",
    ),
    "UNKNOWN_CONSENT": (
        _ROW,
        "Google could not tell whether the visitor agreed.",
        "Connect your consent banner to calltrack, so that the visitor's answer travels with the call.",
    ),
    "CONVERSION_PRECEDES_CLICK": (_ROW, "The call happened before the click.", NONE),
    "INVALID_CLICK": (_ROW, "The click does not come from a Google Ads campaign.", NONE),
    "CLICK_NOT_FOUND": (_ROW, "Google found no click by this phone number or e-mail address.", NONE),
    "USER_ID_NOT_FOUND": (_ROW, "Google found nobody for this conversion.", NONE),
    "USER_ID_NOT_FOUND_FOR_GCLID": (_ROW, "Google found nobody for this click id.", NONE),
    "USER_ID_NOT_FOUND_FOR_DCLID": (_ROW, "Google found nobody for this click id.", NONE),
    "USER_ID_NOT_FOUND_FOR_MATCH_ID": (_ROW, "Google found nobody for this conversion.", NONE),
    "USER_ID_NOT_FOUND_FOR_IMPRESSION_ID": (_ROW, "Google found nobody for this conversion.", NONE),
    "MATCH_ID_NOT_FOUND": (_ROW, "Google found nobody for this conversion.", NONE),
    "ORIGINAL_CONVERSIONS_NOT_FOUND": (_ROW, "Google does not have the conversion to be changed.", NONE),
    "INSUFFICIENT_MATCHED_TRANSACTIONS": (
        _ROW,
        "Too few conversions matched for Google to count them.",
        NONE,
    ),
    "INSUFFICIENT_TRANSACTIONS": (_ROW, "Too few conversions for Google to count them.", NONE),
    "INVALID_CUSTOM_VARIABLE": (_ROW, "A custom variable holds a value Google does not take.", NONE),
    "INVALID_MERCHANT_ID": (_ROW, "The merchant number is not a valid one.", NONE),
    "INVALID_MOBILE_ID_FORMAT": (_ROW, "The device id is not a valid one.", NONE),
    "INVALID_EVENT": (_ROW, "Google does not accept the conversion as it stands.", NONE),
    "INVALID_FORMAT": (_BUG, "A field has the wrong form.", OPERATOR),
    "DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "DEK_DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "INVALID_WIP": (_BUG, _ENCRYPTION, OPERATOR),
    "INVALID_KEK": (_BUG, _ENCRYPTION, OPERATOR),
    "WIP_AUTH_FAILED": (_BUG, _ENCRYPTION, OPERATOR),
    "KEK_PERMISSION_DENIED": (_BUG, _ENCRYPTION, OPERATOR),
    "AWS_AUTH_FAILED": (_BUG, _ENCRYPTION, OPERATOR),
    "USER_IDENTIFIER_DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": (
        _CONFIG,
        "The customer data terms are not accepted in this account.",
        TERMS,
    ),
    "CUSTOM_VARIABLE_NOT_ENABLED": (
        _CONFIG,
        "A custom variable is switched off in Google Ads.",
        "Enable the variable in Google Ads under Goals > Custom variables.",
    ),
    "INVALID_OPERATING_ACCOUNT_FOR_CLICK": (
        _CONFIG,
        "The click belongs to another Google Ads account.",
        ACCOUNT,
    ),
    "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER": (
        _CONFIG,
        "The click belongs to another Google Ads account.",
        ACCOUNT,
    ),
    "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID": (
        _CONFIG,
        "iPhone clicks need a conversion action that counts every conversion, not one per click.",
        "In Google Ads set the action's count to Every.",
    ),
    "EXTERNAL_ATTRIBUTION_DATA_MISSING": (
        _CONFIG,
        "The conversion action expects its attribution from elsewhere.",
        CONVERSION_ACTION,
    ),
}

# Anyone can put a foreign click id into an address: one such row must not stop an account's uploads.
ABOUT_ONE_CLICK: Final[frozenset[str]] = frozenset(
    {"INVALID_OPERATING_ACCOUNT_FOR_CLICK", "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER"}
)

_PREFIXES = ("PROCESSING_ERROR_REASON_", "PROCESSING_ERROR_")


def _outcome(code: str, row: Row) -> Outcome:
    after = SIX_HOURS if code in {"TOO_RECENT_CLICK", "CONVERSION_ACTION_TOO_RECENTLY_CREATED"} else None
    return Outcome(row[0], code, row[1], row[2], after=after, pauses=code not in ABOUT_ONE_CLICK)


def refusal(reason: str, *, names_a_row: bool, description: str = "") -> Outcome:
    """Return the outcome for an ErrorReason; an unknown one is the row's fault if a row is named."""
    row = REFUSALS.get(reason)
    if row is not None:
        return _outcome(reason, row)
    detail = f": {description[:200]}" if description else ""
    platform = PLATFORM_REFUSALS.get(reason)
    if platform is not None:
        return Outcome(Class.CONFIG, reason, *platform)
    if not names_a_row or (reason in NOT_ABOUT_CONVERSIONS and not reason.startswith("INVALID_")):
        return Outcome(Class.CONFIG, reason, f"Google does not take conversions as set up{detail}", ACCOUNT)
    return Outcome(Class.ROW, reason, f"Google does not accept this conversion{detail}", NONE)


def processing(reason: str) -> Outcome:
    """Return the outcome for a ProcessingErrorReason; an unknown one is the row's fault."""
    for prefix in _PREFIXES:
        if reason.startswith(prefix):
            reason = reason.removeprefix(prefix)
            break
    row = PROCESSING.get(reason)
    if row is None:
        return Outcome(Class.ROW, reason, "Google did not count this conversion.", NONE)
    return _outcome(reason, row)
