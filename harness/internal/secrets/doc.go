// Package secrets proves that the policy sensitive_data finds secrets and nothing else, and that no message of any rule
// repeats one. Its tests judge a corpus of ordinary sources, package files, environments and headers, in which nothing may
// be found, and plant secrets of every kind in all places where people leave them: each must be found on its line, and none
// may stand in any output. The planted secrets, which the end-to-end tests use too, are put together when a test runs, so
// that no scanner finds one in this repository.
package secrets
