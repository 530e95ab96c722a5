# SPDX-License-Identifier: Apache-2.0

# The version is written once, in version.hpp.
function(nvq_read_version result header)
  file(STRINGS "${header}" lines REGEX "^#define NVQ_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
  list(TRANSFORM lines REPLACE "^.* " "")
  list(JOIN lines "." version)
  set(${result} "${version}" PARENT_SCOPE)
endfunction()
