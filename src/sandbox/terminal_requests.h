#pragma once

namespace sandbox_run::sandbox {

/// What programs ask of a terminal, the low bytes of ioctl_tty(2)'s requests (their type is 'T');
/// descriptors of any kind have some of them, too. All others of this type are refused: another
/// line discipline makes the terminal silent (TIOCSETD), output that is stopped makes the end of
/// the run hang (TCXONC), exclusive mode keeps it closed (TIOCEXCL); typing and pasting
/// (TIOCSTI, TIOCLINUX: CVE-2017-5226, CVE-2019-7303, CVE-2023-28100).
inline constexpr unsigned kTerminalRequests[] = {
    0x01, 0x02, 0x03, 0x04,        // TCGETS, TCSETS, TCSETSW, TCSETSF
    0x05, 0x06, 0x07, 0x08,        // TCGETA, …
    0x09, 0x0B, 0x25,              // TCSBRK (also tcdrain(3)), TCFLSH, TCSBRKP
    0x0D, 0x0E, 0x22,              // TIOCNXCL, TIOCSCTTY, TIOCNOTTY
    0x0F, 0x10, 0x29,              // TIOCGPGRP, TIOCSPGRP, TIOCGSID
    0x11, 0x1B,                    // TIOCOUTQ, FIONREAD
    0x13, 0x14,                    // TIOCGWINSZ, TIOCSWINSZ
    0x15, 0x19, 0x24,              // TIOCMGET, TIOCGSOFTCAR, TIOCGETD
    0x20, 0x30, 0x31, 0x32, 0x36,  // TIOCPKT, TIOCGPTN, TIOCSPTLCK, TIOCGDEV, TIOCSIG
    0x38, 0x39, 0x40, 0x41,        // TIOCGPKT, TIOCGPTLCK, TIOCGEXCL, TIOCGPTPEER
    0x21, 0x50, 0x51, 0x52,        // FIONBIO, FIONCLEX, FIOCLEX, FIOASYNC
    0x2A, 0x2B, 0x2C, 0x2D,        // TCGETS2, …
    0x60,                          // FIOQSIZE
};

}  // namespace sandbox_run::sandbox
