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
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const copyFromWindow = require('copyFromWindow');
const setInWindow = require('setInWindow');
const injectScript = require('injectScript');

// The snippet finds its words here: a tag manager cannot write attributes. Once it runs, it stays as it is.
const present = copyFromWindow('calltrack');
if (present && present.numbers) {
  data.gtmOnSuccess();
} else {
  const words = { site: data.site };
  if (data.link) words.link = data.link;
  if (data.forms) words.forms = 'on';
  setInWindow('calltrack', words, true);
  injectScript(data.service + '/ct.js', data.gtmOnSuccess, data.gtmOnFailure, 'calltrack');
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
      "param": [
        {
          "key": "urls",
          "value": { "type": 2, "listItem": [{ "type": 1, "string": "https://*/ct.js" }] }
        }
      ]
    },
    "isRequired": true
  }
]


___NOTES___

Fire it on all pages. Where the snippet must wait for consent, let Google Tag Manager wait: require
analytics_storage under the tag's consent settings.
