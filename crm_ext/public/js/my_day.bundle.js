// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Loaded by the page My Day when it is opened.
import "./my_day/page";
