// Package apirule holds no code, only the proof that the policies jwt_binding and exposure miss no peer. Both look APIRules
// up by what stands in them as written, and read only those as lib.kfs.apirule does; its tests generate small clusters and
// demand of KFS-105 and KFS-115 what comes out if every APIRule is read and compared with every other.
package apirule
