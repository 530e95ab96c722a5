# SPDX-License-Identifier: Apache-2.0
# A release archive as a forge makes it, nvq-<version>.tar.gz with one folder nvq-<version>/ inside, of what users build.
cmake_minimum_required(VERSION 3.23)
include("${NVQ_ROOT}/cmake/NvqVersion.cmake")
nvq_read_version(version "${NVQ_ROOT}/include/nvq/version.hpp")
set(top "nvq-${version}")
file(REMOVE_RECURSE "${WORK}/${top}")
foreach(part CMakeLists.txt LICENSE README.md cmake include)
  if(EXISTS "${NVQ_ROOT}/${part}")
    file(COPY "${NVQ_ROOT}/${part}" DESTINATION "${WORK}/${top}")
  endif()
endforeach()
execute_process(COMMAND "${CMAKE_COMMAND}" -E tar cfz nvq.tar.gz "${top}" WORKING_DIRECTORY "${WORK}"
                COMMAND_ERROR_IS_FATAL ANY)

# What the packages' templates become for this archive; see packaging/release.cmake.
file(REMOVE_RECURSE "${WORK}/packages")
execute_process(COMMAND "${CMAKE_COMMAND}" "-DARCHIVE=${WORK}/nvq.tar.gz" -DREPOSITORY=example/nvq "-DOUT=${WORK}/packages"
                        "-DURL=file://${WORK}/nvq.tar.gz" -P "${NVQ_ROOT}/packaging/release.cmake"
                COMMAND_ERROR_IS_FATAL ANY)
