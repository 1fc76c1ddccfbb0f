package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class OverheadTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"1000,3000", "3000"})
    void ratiosAreMeasuredAndDrawn(String sizes) {
        Run run = Run.of("overhead", "--parameters", sizes, "--updaters", "pal=sgd,l4=nesterovs", "--batch", 8, "--out",
                directory);
        assertEquals(0, run.exitCode, run::toString);
        long ratios = run.out.lines().filter(line -> line.matches(".* parameters .* [0-9.]+ of (sgd|nesterovs) .*")).count();
        assertEquals(2 * sizes.split(",").length, ratios, run::toString);
        assertTrue(Files.exists(directory.resolve("overhead.png")));
    }

    @Test
    void badArgumentsAreNamed() {
        Run.expect(1, "no updater \"adm\"", Run.of("overhead", "--updaters", "auto=adm", "--out", directory));
        Run.expect(2, "--parameters has to be 1 or greater", Run.of("overhead", "--parameters", 0, "--out", directory));
    }
}
