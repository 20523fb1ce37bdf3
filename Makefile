# A bench for this app in one command. Everything is done by scripts/dev.py; variables given here reach it:
#   make demo WEB_PORT=8000 CRM_EXT_BENCH=~/bench
#   make test ARGS="-k deal -x"
PYTHON ?= python3
DEV := $(PYTHON) scripts/dev.py

.DEFAULT_GOAL := help
.PHONY: help demo test erpnext-tests sync stop status clean

help:  ## list the targets and variables
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'
	@$(DEV) variables

demo:  ## a bench with ERPNext, this app and demo data; prints address and login
	@$(DEV) demo

test:  ## all tests on a site of their own in the same bench; ARGS goes to pytest
	@$(DEV) test

erpnext-tests:  ## ERPNext's own tests with and without the app, compared; ARGS="Lead 'Sales Order'" for some
	@$(DEV) erpnext-tests

sync:  ## bring the checkout into the bench, migrate the demo site, restart what runs
	@$(DEV) sync

stop:  ## stop all servers of the bench
	@$(DEV) stop

status:  ## what runs, and on which port
	@$(DEV) status

clean:  ## stop the servers and remove the bench with all its sites
	@$(DEV) clean
