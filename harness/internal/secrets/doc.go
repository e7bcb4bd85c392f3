// Package secrets holds no code, only the proof that the policy sensitive_data finds secrets and nothing else. Its tests
// judge a corpus of ordinary sources, package files, environments and headers, in which nothing may be found, and plant
// secrets of every kind in all places where people leave them: each must be found on its line, and none may stand in any
// output. Planted secrets are put together when a test runs, so that no scanner finds one in this repository.
package secrets
