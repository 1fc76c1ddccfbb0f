package io.github.dl4jstepsize;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** A training that checkpoints, is killed at any moment and started again in a new process loses nothing. */
class RestartTest {

    private static final int BATCHES = 120;
    /** Key of the random stream's position in the checkpoint. */
    private static final String RANDOM = "random";
    private static final Problem PROBLEM = Problem.MLP_DROPOUT_L2;

    @Test
    void threeKills(@TempDir Path folder) throws Exception {
        survives(folder, 3);
    }

    @Test
    @Tag("benchmark")
    void fiftyKills(@TempDir Path folder) throws Exception {
        survives(folder, 50);
    }

    private static void survives(Path folder, int kills) throws Exception {
        double[] expected = uninterrupted();
        Random random = new Random(1);
        int killed = 0;
        while (killed < kills) {
            File checkpoint = folder.resolve("model.zip").toFile();
            long before = checkpoint.lastModified();
            Process process = start(folder);
            // Not while Java starts: after the first checkpoint of this process, at any moment.
            while (process.isAlive() && checkpoint.lastModified() == before) {
                Thread.sleep(10);
            }
            if (!process.waitFor(random.nextInt(1000), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                killed++;
                continue;
            }
            assertEquals(0, process.exitValue(), Files.readString(folder.resolve("log")));
            checkAndClear(folder, expected);
        }
        Process process = start(folder);
        assertTrue(process.waitFor(5, TimeUnit.MINUTES));
        assertEquals(0, process.exitValue(), Files.readString(folder.resolve("log")));
        checkAndClear(folder, expected);
    }

    private static void checkAndClear(Path folder, double[] expected) throws Exception {
        MultiLayerNetwork end = ModelSerializer.restoreMultiLayerNetwork(folder.resolve("model.zip").toFile(), true);
        assertEquals(BATCHES, end.getIterationCount());
        assertArrayEquals(expected, end.params().toDoubleVector());
        Files.delete(folder.resolve("model.zip"));
    }

    private static Process start(Path folder) throws Exception {
        return new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-Xmx512m", "-cp",
                System.getProperty("java.class.path"), RestartTest.class.getName(), folder.toString())
                .redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    }

    private static double[] uninterrupted() {
        MultiLayerNetwork network = begin();
        while (network.getIterationCount() < BATCHES) {
            step(network);
        }
        return network.params().toDoubleVector();
    }

    private static StepSizeUpdater updater() {
        return LabPalUpdater.builder().searchEvery(7).approximationBatches(3).momentum(0.4)
                .batchSchedule(Map.of(0, 1, 50, 2)).trainingSetSize(2500).build();
    }

    private static MultiLayerNetwork begin() {
        MultiLayerNetwork network = (MultiLayerNetwork) PROBLEM.network(updater(), DataType.FLOAT);
        Nd4j.getRandom().setSeed(1000);
        network.addListeners(new StepSizeListener());
        return network;
    }

    private static void step(MultiLayerNetwork network) {
        Problem.fit(network, PROBLEM.batch(network.getIterationCount() % 10, 8, DataType.FLOAT));
    }

    /**
     * DL4J saves parameters, updater state and the iteration. The position in the data and the random stream are for the
     * training program to restore: the one follows from the iteration, the other is put into the checkpoint. The listener
     * is made after that, because it notes where the stream is.
     */
    private static MultiLayerNetwork restore(File checkpoint) throws Exception {
        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(checkpoint, true);
        long[] states = ModelSerializer.getObjectFromFile(checkpoint, RANDOM);
        Nd4j.getRandom().setStates(states[0], states[1]);
        network.addListeners(new StepSizeListener());
        return network;
    }

    /** The training that is killed: goes on where the checkpoint says, writes a checkpoint after every iteration. */
    public static void main(String[] arguments) throws Exception {
        File checkpoint = new File(arguments[0], "model.zip");
        MultiLayerNetwork network = checkpoint.exists() ? restore(checkpoint) : begin();
        while (network.getIterationCount() < BATCHES) {
            step(network);
            File unfinished = new File(arguments[0], "unfinished.zip");
            ModelSerializer.writeModel(network, unfinished, true);
            ModelSerializer.addObjectToFile(unfinished, RANDOM,
                    new long[]{Nd4j.getRandom().rootState(), Nd4j.getRandom().nodeState()});
            Files.move(unfinished.toPath(), checkpoint.toPath(), StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
