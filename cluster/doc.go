// Package cluster tries a network of real processes: four validators that are killed,
// cut off from one another, deprived of their disks, and lied to.
//
// Its promise: what fails here fails as it does where people run it. Nothing stands
// in for the processes, the disks or the network between them; a test that needs
// rights which the machine does not give is skipped, and says so.
package cluster
