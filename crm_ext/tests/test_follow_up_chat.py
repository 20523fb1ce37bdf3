"""Links to chat: what is a number or a name, and what is not. Without a site."""

import pytest

from crm_ext.follow_ups.chat import links, qq_link, wechat_link, whatsapp_link

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
	("number", "region", "digits"),
	[
		("+49 170 1234567", None, "491701234567"),
		("+49 170 1234567", "CN", "491701234567"),
		("0170 / 123 45 67", "DE", "491701234567"),
		("0049 170 1234567", "DE", "491701234567"),
		("138 0013 8000", "CN", "8613800138000"),
		("(201) 555-0123", "US", "12015550123"),
	],
)
def test_whatsapp_takes_numbers_as_people_write_them(number, region, digits):
	assert whatsapp_link(number, region) == f"https://wa.me/{digits}"


@pytest.mark.parametrize(
	("number", "region"),
	[
		(None, "DE"),
		("", "DE"),
		("ask the office", "DE"),
		("0170 1234567", None),  # whose country?
		("12", "DE"),
		("+999 123456789", None),
		('"><script>', "DE"),
	],
)
def test_whatsapp_leaves_out_what_is_no_number(number, region):
	assert whatsapp_link(number, region) is None


@pytest.mark.parametrize("wechat_id", ["grace_hopper", "wxid_abc-12345", " 13800138000 "])
def test_wechat_takes_ids(wechat_id):
	assert wechat_link(wechat_id) == f"weixin://dl/chat?{wechat_id.strip()}"


@pytest.mark.parametrize("wechat_id", [None, "", "abc", "grace hopper", "x" * 21, "a&b=c12", '"onclick="'])
def test_wechat_leaves_out_what_is_no_id(wechat_id):
	assert wechat_link(wechat_id) is None


@pytest.mark.parametrize(
	"number", [None, "", "0123456", "1234", "10001&site=x", "1234567890123", "１２３４５６"]
)
def test_qq_leaves_out_what_is_no_number(number):
	assert qq_link(number) is None


def test_a_mobile_number_serves_for_whatsapp():
	person = {"mobile_no": "0170 1234567", "qq_no": "10001", "wechat_id": None, "whatsapp_no": ""}
	assert links(person, "DE") == [
		{"channel": "WhatsApp", "url": "https://wa.me/491701234567"},
		{"channel": "QQ", "url": "https://wpa.qq.com/msgrd?v=3&uin=10001&site=qq&menu=yes"},
	]
	assert links({**person, "whatsapp_no": "+1 201 555 0123"}, "DE")[0]["url"] == "https://wa.me/12015550123"
