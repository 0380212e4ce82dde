# prints: imported
import email.mime.text, html.parser, xml.etree.ElementTree as ET, urllib.parse, unittest.mock, difflib, string, locale, calendar, colorsys, struct, array, secrets, configparser
print("imported", ET.fromstring("<a/>").tag, urllib.parse.quote("a b"))
