"""Why Data Manager refuses a request at once, and what each reason means for a conversion.

`REFUSALS` is complete for ErrorReason of Google's client library 0.9.4. Google adds reasons; `refusal` says
what an unknown one means.
"""

from typing import Final

from calltrack.destinations.google_steps import (
    ACCESS,
    ACCOUNT,
    CONVERSION_ACTION,
    LEADS,
    NONE,
    OPERATOR,
    PERSON,
    TERMS,
    WAIT,
    Row,
    outcome_of,
)
from calltrack.destinations.outcomes import Class, Outcome

_LATER, _CONFIG, _ROW, _BUG, _SPLIT = Class.LATER, Class.CONFIG, Class.ROW, Class.BUG, Class.SPLIT

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


def refusal(reason: str, *, names_a_row: bool, description: str = "") -> Outcome:
    """Return the outcome for an ErrorReason; an unknown one is the row's fault if a row is named."""
    row = REFUSALS.get(reason)
    if row is not None:
        return outcome_of(reason, row)
    detail = f": {description[:200]}" if description else ""
    platform = PLATFORM_REFUSALS.get(reason)
    if platform is not None:
        return Outcome(Class.CONFIG, reason, *platform)
    if not names_a_row or (reason in NOT_ABOUT_CONVERSIONS and not reason.startswith("INVALID_")):
        return Outcome(Class.CONFIG, reason, f"Google does not take conversions as set up{detail}", ACCOUNT)
    return Outcome(Class.ROW, reason, f"Google does not accept this conversion{detail}", NONE)
