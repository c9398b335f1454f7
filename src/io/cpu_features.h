// What this machine's processor does in hardware.
#pragma once

namespace isthmus::io {

// AES and the multiplication that GCM wants: together they make AES-GCM the fastest of ssh's ciphers.
bool has_aes_gcm_instructions();

}  // namespace isthmus::io
