// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// What every page of the desk may need. Forms of one document type have a file of their own.
import "./boards";
import "./follow_ups/common";
import "./follow_ups/dialog";
import "./follow_ups/forms";
import "./follow_ups/follow_up_done.html";
import "./follow_ups/place";
import "./reports";
import "./receivables/collect";
import "./receivables/credit";
import "./receivables/promise";
import "./sales/approval";
import "./sales/next_step";
import "./sales/quick_order";
import "./sales/seen_by_deal";
import "./supply/availability";
import "./supply/deliver";
import "./supply/order_status";
import "./supply/shortage";
