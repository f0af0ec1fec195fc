// The shield, as the monitor maps it into every enclave: a flat binary whose entry is at its start, read-only.
	.section .shield, "a"
	.balign	4096
	.incbin	"../../artifacts/images/shield.bin"
