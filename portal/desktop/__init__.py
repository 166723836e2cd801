"""The desktop program: the portal of one person on one machine, in a window of its own.

Decision: the program is the portal's server with a guard around it (`access`) that answers only its own windows and the
gateways of its person. The person proves who they are by opening a file that only their user may read, with a one-time
ticket (`tickets`), so there is no password. Nobody imports this package but `portal desktop` and the frozen program.
"""
