// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The version of the library, SemVer. The build system reads it from here; nothing else repeats it.
/// Encoded bytes are part of the interface: a changed bit pattern of a shipped recipe is a breaking change.
#define NVQ_VERSION_MAJOR 0
#define NVQ_VERSION_MINOR 1
#define NVQ_VERSION_PATCH 0
