package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** Whether the measuring instrument is fair. On a busy machine, too: the contenders take turns. */
@Tag("benchmark")
class CompareBenchmark {

    @TempDir
    Path directory;

    @Test
    void anUpdaterTakesAsLongAsItself() throws IOException {
        // Different names of one updater.
        Run run = Run.of("compare", "--workload", "fashion-mlp", "--updaters", "adam,adam=0.001", "--epochs", 1, "--seeds", "1,2",
                "--out", directory);
        assertEquals(0, run.exitCode, run::toString);
        System.out.println(run.out);
        Path results = directory.resolve("compare-fashion-mlp");
        JsonNode first = new ObjectMapper().readTree(results.resolve("results.json").toFile()).get("results");
        assertEquals(first.get(0).get("loss"), first.get(1).get("loss"));
        List<String> lines = Files.readAllLines(results.resolve("results.csv"));
        int column = List.of(lines.get(0).split(",")).indexOf("time_ratio");
        for (String line : lines.subList(1, lines.size())) {
            assertEquals(1.00, Double.parseDouble(line.split(",")[column]), 0.05, line);
        }
    }
}
