package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import javax.imageio.ImageIO;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class LandscapeCommandTest {

    @TempDir
    Path directory;

    @Test
    void drawsEveryLineAndChecksTheClaims() throws IOException {
        Run run = Run.of("landscape", "--lines", 2, "--every", 3, "--points", 27, "--examples", 200, "--out", directory);

        assertEquals(0, run.exitCode, run::toString);
        Path pictures = directory.resolve("landscape-digits-mlp");
        for (String name : new String[]{"iteration-000000.png", "iteration-000003.png"}) {
            assertTrue(ImageIO.read(pictures.resolve(name).toFile()).getHeight() > 600, name);
        }
        String page = Files.readString(pictures.resolve("landscape.html"));
        assertEquals(3, page.split("data:image/png", -1).length, "two pictures");
        assertTrue(page.contains("const iterations = [0,3];"));
        assertTrue(run.out.contains("training set, convex:"), run::toString);
        // The training is PAL's: the step that it took in the first iteration, its longest, is the one marked as PAL's.
        assertTrue(run.out.matches("(?s).*\n +0 +0\\.300 +0\\.300 .*"), run::toString);
    }

    @Test
    void badArgumentsAreNamed() throws IOException {
        Run.expect(2, "--range", Run.of("landscape", "--range", 0, "--out", directory));
        Run.expect(2, "--lines", Run.of("landscape", "--lines", 0, "--out", directory));
        Run.expect(1, "no workload", Run.of("landscape", "--workload", "x", "--out", directory));
        Path file = Files.writeString(directory.resolve("file"), "");
        Run.expect(1, file.toString(), Run.of("landscape", "--out", file));
    }
}
