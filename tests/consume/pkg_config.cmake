# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.23)
set(ENV{PKG_CONFIG_PATH} "${PREFIX}/share/pkgconfig")
execute_process(COMMAND "${PKG_CONFIG}" --cflags nvq OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags)
execute_process(COMMAND "${COMPILER}" -std=c++17 ${flags} "${NVQ_ROOT}/tests/contract/host.cpp" -o "${WORK}/pkg_config"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/pkg_config" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${PKG_CONFIG}" --modversion nvq OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE)
include("${NVQ_ROOT}/cmake/NvqVersion.cmake")
nvq_read_version(version "${NVQ_ROOT}/include/nvq/version.hpp")
if(NOT said STREQUAL version)
  message(FATAL_ERROR "pkg-config says version ${said}, version.hpp says ${version}")
endif()
