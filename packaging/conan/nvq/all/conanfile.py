import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout

required_conan_version = ">=2.1"


class NvqConan(ConanFile):
    name = "nvq"
    description = "Header-only quantization codecs: NVFP4, MXFP4/6/8, FP8, INT8/INT4, NF4"
    license = "Apache-2.0"
    url = "https://github.com/conan-io/conan-center-index"
    homepage = "https://github.com/@NVQ_REPOSITORY@"
    topics = ("quantization", "nvfp4", "mxfp4", "fp8", "int4", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 17)

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        include = os.path.join("include", "nvq")
        for pattern in ("*.hpp", "*.cuh", "*.inc"):
            copy(self, pattern, os.path.join(self.source_folder, include), os.path.join(self.package_folder, include))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "nvq")
        self.cpp_info.set_property("cmake_target_name", "nvq::nvq")
        self.cpp_info.set_property("pkg_config_name", "nvq")
