package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import javax.imageio.ImageIO;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class IllConditionedCommandTest {

    @TempDir
    Path directory;

    @Test
    void drawsAllCurves() throws IOException {
        Run run = Run.of("ill-conditioned", "--iterations", 60, "--out", directory);

        assertEquals(0, run.exitCode, run::toString);
        assertTrue(ImageIO.read(directory.resolve("ill-conditioned.png").toFile()).getHeight() > 300);
        Matcher losses = Pattern.compile("(L4Mom|L4Adam|(?:Sgd|Adam) +[^ ]+) +loss ([0-9.e+-]+) "
                + "in the mean of the last 60 of 60").matcher(run.out);
        int methods = 0;
        while (losses.find()) {
            assertTrue(Double.parseDouble(losses.group(2)) > 0, run::toString);
            methods++;
        }
        assertEquals(4, methods, run::toString);
        assertTrue(run.out.contains("Sgd     1e-4  diverged after"), run::toString);
    }

    @Test
    void badArgumentsAreNamed() throws IOException {
        Run.expect(2, "--iterations", Run.of("ill-conditioned", "--iterations", 0, "--out", directory));
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        Run.expect(1, file.toString(), Run.of("ill-conditioned", "--out", file));
    }
}
