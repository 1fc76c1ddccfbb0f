package io.github.dl4jstepsize.examples;

import picocli.CommandLine.Option;

import java.nio.file.Path;

/** The options that say where data are that are not embedded. */
final class DataFiles {

    @Option(names = "--dir", paramLabel = "DIR",
            description = "Where the files of Fashion-MNIST are (default: where Debian's dataset-fashion-mnist puts them).")
    Path fashionMnist = FashionMnist.DEBIAN_DIRECTORY;

    @Option(names = "--text", paramLabel = "FILE",
            description = "A text in UTF-8 for text-lstm (default: the embedded beginning of Genesis, King James Version).")
    Path text;
}
