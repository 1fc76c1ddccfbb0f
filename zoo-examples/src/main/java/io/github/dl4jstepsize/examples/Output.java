package io.github.dl4jstepsize.examples;

import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The option that says where files are written. */
final class Output {

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "${sys:examples.out:-out}",
            description = "Directory for pictures and results (default: zoo-examples/out).")
    private Path directory;

    /**
     * The directory, made if necessary.
     *
     * @throws InputException if nothing can be written there: better now than after the training
     */
    Path directory() {
        return writable(directory);
    }

    /** A file that is read while it is written, or whose writer is interrupted, is never half there. */
    static void write(Path file, String content) {
        try {
            Path incomplete = file.resolveSibling(file.getFileName() + ".incomplete");
            Files.writeString(incomplete, content);
            Files.move(incomplete, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new InputException(file + " cannot be written", e);
        }
    }

    static Path writable(Path directory) {
        try {
            Files.createDirectories(directory);
            Files.delete(Files.createTempFile(directory, "writable", null));
            return directory;
        } catch (IOException e) {
            throw new InputException("cannot write to the directory " + directory, e);
        }
    }
}
