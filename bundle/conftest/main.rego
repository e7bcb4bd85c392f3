# Generated from policies/kfs/adapter by `make generate`. Don't edit.
package main

# conftest reads the rules deny and warn of this package.
deny contains finding if some finding in data.kfs.adapter.deny

warn contains finding if some finding in data.kfs.adapter.warn
