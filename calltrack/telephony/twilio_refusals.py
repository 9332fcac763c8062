"""What Twilio refuses, by its error code: what is wrong, and what a person changes first.

From Twilio's dictionary of errors; `{said}` stands for Twilio's own sentence.
"""

REFUSALS: dict[int, str] = {
    20001: "Twilio cannot use a value of the request: {said} Correct it and try again.",
    20003: "Twilio does not accept the account SID and auth token. Copy both again from the Twilio "
    "console, page Account info, and save them on the page Carrier.",
    20005: "The Twilio account is not active. Open the Twilio console, see why (payment, review), "
    "reactivate it.",
    20006: "The Twilio account may not do this. Give it the right in the Twilio console, or ask "
    "Twilio support.",
    20008: "These are Twilio's test credentials. Save the live account SID and auth token on the "
    "page Carrier.",
    21205: "Twilio cannot use the address of our hook. Set PUBLIC_BASE_URL to an address reachable "
    "from outside.",
    21210: "The caller id is neither a number of this account nor verified. Choose one of your "
    "numbers as caller id.",
    21211: "The number to reach is not a valid telephone number. Write it with its country code, "
    "such as +39...",
    21212: "The number to call from is not valid. Choose one of your own numbers.",
    21214: "The number cannot be reached by Twilio. Check it, or use another one.",
    21215: "Calls to this country are switched off in the Twilio account. Allow it in the Twilio "
    "console under Voice, Settings, Geo permissions, if you want such calls.",
    21216: "Twilio does not call this number. Use another one.",
    21217: "The number to reach does not seem to be valid. Check it and try again.",
    21219: "A trial account calls only verified numbers. Upgrade the Twilio account, or verify the "
    "number there.",
    21220: "The call is not in progress (any more): there is nothing left to change.",
    21402: "Twilio cannot use the voice address. Set PUBLIC_BASE_URL to an address reachable from "
    "outside.",
    21405: "A fallback address needs a main address: set the voice address too.",
    21408: "Messages to this country are switched off in the Twilio account. Allow it in the Twilio "
    "console under Messaging, Settings, Geo permissions.",
    21421: "This is not a telephone number Twilio can sell. Search again and choose one of the "
    "results.",
    21422: "The number is not available any more. Search again and choose another one.",
    21452: "The number is not available to this account. Search again and choose another one.",
    21602: "A message needs a text: write one.",
    21603: "A message needs a number to send from: choose one of your numbers.",
    21604: "A message needs a number to send to.",
    21606: "The number to send from cannot send messages. Choose one of your numbers that can.",
    21608: "A trial account writes only to verified numbers. Upgrade the Twilio account, or verify "
    "the number there.",
    21610: "The person has answered STOP to this number and gets no messages from it. Do not write "
    "again unless they send START.",
    21611: "Twilio's queue of messages from this number is full. Wait until some are sent, or use "
    "several numbers.",
    21612: "Messages cannot go from this number to that one. Use a number of the recipient's "
    "country.",
    21613: "The law asks for an address with this number. Add one in the Twilio console under "
    "Regulatory compliance, Addresses, and choose it with the purchase.",
    21614: "The number to write to is no mobile number: it cannot receive messages.",
    21617: "The message is longer than 1600 characters. Shorten it.",
    21631: "The law asks for an address with this number. Add one in the Twilio console under "
    "Regulatory compliance, Addresses, and choose it with the purchase.",
    21649: "The law asks for papers with this number. Hand in a bundle in the Twilio console under "
    "Regulatory compliance, Bundles, wait until it is approved, and choose it with the "
    "purchase.",
    21650: "The address or bundle does not satisfy the rules of this number. Choose another one that"
    " fits country and type, or correct it in the Twilio console.",
    21651: "The address lies outside the area of this number. Choose a number of the address's area,"
    " or add an address there in the Twilio console.",
    30032: "This toll-free number is not verified for messages. Hand in its verification in the "
    "Twilio console.",
    30034: "This number is not registered for messages in the United States (A2P 10DLC). Register "
    "brand and campaign in the Twilio console; it takes two to three weeks.",
}  # fmt: skip
