___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "calltrack",
  "brand": { "id": "calltrack", "displayName": "calltrack" },
  "description": "Shows every visitor a tracking number instead of the business number written on the page.",
  "containerContexts": ["WEB"]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "service",
    "displayName": "Address of the service",
    "help": "Where your calltrack answers, such as https://calls.example.com",
    "simpleValueType": true,
    "valueValidators": [
      { "type": "NON_EMPTY" },
      { "type": "REGEX", "args": ["^https://[a-z0-9.-]+(:[0-9]+)?$"], "errorMessage": "https:// and the host, nothing behind it." }
    ]
  },
  {
    "type": "TEXT",
    "name": "site",
    "displayName": "Site key",
    "help": "It stands on the site's page in the dashboard.",
    "simpleValueType": true,
    "valueValidators": [{ "type": "NON_EMPTY" }]
  },
  {
    "type": "TEXT",
    "name": "link",
    "displayName": "Other domains of the company, parted by blanks",
    "simpleValueType": true
  },
  {
    "type": "CHECKBOX",
    "name": "forms",
    "checkboxText": "Link callers with phone numbers typed into forms",
    "simpleValueType": true
  },
  {
    "type": "RADIO",
    "name": "consent",
    "displayName": "Until the visitor answers the consent banner",
    "help": "A refusal always counts. What the banner must tell: see Consent in the snippet's documentation.",
    "radioItems": [
      { "value": "full", "displayValue": "Work at once" },
      { "value": "required", "displayValue": "Strict: nothing stored, nothing sent, the business number" },
      { "value": "source", "displayValue": "Source level: the number of the visit's source, nobody remembered" }
    ],
    "defaultValue": "full",
    "simpleValueType": true
  },
  {
    "type": "CHECKBOX",
    "name": "google",
    "checkboxText": "The banner sets Google consent mode through Tag Manager: follow it",
    "help": "analytics_storage lets us measure, ad_storage lets click ids go along. Leave it off where no banner sets them: Google counts what nobody set as granted.",
    "simpleValueType": true
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const addConsentListener = require('addConsentListener');
const callInWindow = require('callInWindow');
const copyFromWindow = require('copyFromWindow');
const createQueue = require('createQueue');
const injectScript = require('injectScript');
const isConsentGranted = require('isConsentGranted');
const setInWindow = require('setInWindow');

const mayMeasure = () => isConsentGranted('analytics_storage');
const answer = () => ({ ad: isConsentGranted('ad_storage'), measure: mayMeasure() });
const tell = () => callInWindow('calltrack.consent', answer());

// What is denied before anybody answered is no refusal: the page waits.
let mode = data.consent;
if (data.google && !mayMeasure() && mode != 'source') mode = 'required';

const begun = () => {
  if (data.google && mayMeasure()) tell();
  data.gtmOnSuccess();
};

// The snippet finds its words here: a tag manager cannot write attributes. Once it runs, it stays as it is.
const present = copyFromWindow('calltrack');
if (present && present.numbers) {
  begun();
} else {
  const words = { site: data.site };
  if (data.link) words.link = data.link;
  if (data.forms) words.forms = 'on';
  // An answer that the page gave before, alone or in its queue.
  if (present && present.consent !== undefined) words.consent = present.consent;
  for (let i = 0; present && i < present.length; i++) if (present[i][0] == 'consent') words.consent = present[i][1];
  if (data.google && mayMeasure()) words.consent = answer();
  setInWindow('calltrack', words, true);
  // It reads there what banners say, too; for everybody else the entry means nothing.
  if (mode == 'required' || mode == 'source') createQueue('dataLayer')(['consent', 'calltrack', { consent: mode }]);
  injectScript(data.service + '/ct.js', begun, data.gtmOnFailure, 'calltrack');
}
if (data.google) {
  addConsentListener('analytics_storage', tell);
  addConsentListener('ad_storage', tell);
}


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": { "publicId": "access_globals", "versionId": "1" },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "key" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" },
                  { "type": 1, "string": "execute" }
                ],
                "mapValue": [
                  { "type": 1, "string": "calltrack" },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": false }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "key" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" },
                  { "type": 1, "string": "execute" }
                ],
                "mapValue": [
                  { "type": 1, "string": "calltrack.consent" },
                  { "type": 8, "boolean": false },
                  { "type": 8, "boolean": false },
                  { "type": 8, "boolean": true }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "key" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" },
                  { "type": 1, "string": "execute" }
                ],
                "mapValue": [
                  { "type": 1, "string": "dataLayer" },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": false }
                ]
              }
            ]
          }
        }
      ]
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": { "publicId": "inject_script", "versionId": "1" },
      "param": [{ "key": "urls", "value": { "type": 2, "listItem": [{ "type": 1, "string": "https://*/ct.js" }] } }]
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": { "publicId": "access_consent", "versionId": "1" },
      "param": [
        {
          "key": "consentTypes",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "consentType" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" }
                ],
                "mapValue": [
                  { "type": 1, "string": "analytics_storage" },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": false }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "consentType" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" }
                ],
                "mapValue": [
                  { "type": 1, "string": "ad_storage" },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": false }
                ]
              }
            ]
          }
        }
      ]
    },
    "isRequired": true
  }
]


___NOTES___

Fire it on all pages, also before consent: the tag itself waits, as it is told, and hears the banner's answer. Where nothing may even be
loaded before consent, let Google Tag Manager wait as well: require analytics_storage under the tag's consent settings.
