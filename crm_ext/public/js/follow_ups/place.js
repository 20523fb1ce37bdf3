// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext.follow_ups");

// Where somebody is when a visit begins.
Object.assign(crm_ext.follow_ups, {
	// Where this person is, for a check-in; rejects with a message for people.
	locate() {
		return new Promise((resolve, reject) => {
			const reasons = {
				1: __("The browser was not allowed to tell where you are."),
				2: __("Your position could not be found."),
				3: __("Finding your position took too long."),
			};
			navigator.geolocation.getCurrentPosition(
				({ coords: { latitude, longitude, accuracy } }) =>
					resolve({ latitude, longitude, accuracy }),
				(error) => reject(reasons[error.code] || reasons[2]),
				{ enableHighAccuracy: true, timeout: 20000, maximumAge: 0 }
			);
		});
	},

	async check_in(name, on_done) {
		if (!navigator.geolocation) {
			return frappe.msgprint(__("This browser cannot tell where you are."));
		}
		let place;
		try {
			place = await this.locate();
		} catch (message) {
			return frappe.msgprint(message);
		}
		await this.call("check_in", { name, ...place });
		this.say(__("Checked in."));
		on_done?.(name);
	},
});
