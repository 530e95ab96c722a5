// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/device.cuh>
#include <nvq/cuda/thread.cuh>
