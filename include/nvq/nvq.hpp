// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Everything of nvq that runs on the host. Engines include the front header of the format they use instead.

#include <nvq/formats.hpp>
#include <nvq/metrics.hpp>
