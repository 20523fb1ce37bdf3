"""The development bench: one module for each thing it is made of.

settings    what the environment asks for and what was chosen for this bench
console     steps on the screen, long output in a log, failures in one line
diagnose    from a log's text to what failed and what to do
machine     Debian packages, the ordinary user, Python, Node, disk
checkout    the app's files on their way from the checkout into the bench
processes   background processes with a pid file
database    the private MariaDB server, or somebody else's
servers     Redis, web, socketio, workers, scheduler
bench       frappe-bench, Frappe, ERPNext, the app, assets
sites       sites and what is installed on them
cli         commands
"""
