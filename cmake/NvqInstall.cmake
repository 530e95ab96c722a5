# SPDX-License-Identifier: Apache-2.0
# Headers, CMake package and pkg-config file. Nothing depends on the architecture, so nothing goes under lib/.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(nvq_config_dir "${CMAKE_INSTALL_DATADIR}/cmake/nvq")
set(nvq_pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")

# INCLUDES DESTINATION is for consumers older than CMake 3.23, which do not read file sets.
install(TARGETS nvq EXPORT nvq-targets FILE_SET HEADERS INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS nvq_cuda EXPORT nvq-cuda-targets FILE_SET HEADERS INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT nvq-targets NAMESPACE nvq:: DESTINATION "${nvq_config_dir}")
install(EXPORT nvq-cuda-targets NAMESPACE nvq:: DESTINATION "${nvq_config_dir}")

configure_package_config_file(cmake/nvq-config.cmake.in "${PROJECT_BINARY_DIR}/nvq-config.cmake"
                              INSTALL_DESTINATION "${nvq_config_dir}"
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/nvq-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/nvq-config.cmake" "${PROJECT_BINARY_DIR}/nvq-config-version.cmake"
        DESTINATION "${nvq_config_dir}")

set(nvq_pc_includedir "\${prefix}")
cmake_path(APPEND nvq_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
file(RELATIVE_PATH nvq_pc_to_prefix "/${nvq_pkgconfig_dir}" "/")
configure_file(cmake/nvq.pc.in "${PROJECT_BINARY_DIR}/nvq.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/nvq.pc" DESTINATION "${nvq_pkgconfig_dir}")
