package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.StepRecord;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A network that is trained batch by batch in turn with others. Each has its own stream of random numbers, which starts
 * where the others' start, so that all of them draw the same dropout masks.
 */
final class Contender {

    private final Network network;
    private final Result result;
    private long randomRoot;
    private long randomNode;

    private Contender(Network network, Result result, int iterations) {
        this.network = network;
        this.result = result;
        keepRandomState();
        Updaters.tellLength(network, result.updater, iterations);
    }

    /** @param iterations how many there will be in all */
    static Contender fresh(Workload workload, TrainTest data, Result result, int iterations) {
        Nd4j.getRandom().setSeed(result.seed);
        return new Contender(workload.network(data, Updaters.named(result.updater, iterations), result.seed), result,
                iterations);
    }

    static Contender load(Path directory, Result result, int iterations) {
        return new Contender(Network.load(file(directory, result, result.epochs)), result, iterations);
    }

    void save(Path directory) {
        takeRandomState();
        network.save(file(directory, result, result.epochs));
    }

    /** Deletes what was saved before the current epoch. */
    void deleteOlder(Path directory) {
        String current = file(directory, result, result.epochs).getFileName().toString();
        String all = current.replaceFirst("[0-9]+\\.zip$", "");
        try (DirectoryStream<Path> older = Files.newDirectoryStream(directory, path -> {
            String name = path.getFileName().toString();
            return name.startsWith(all) && name.endsWith(".zip") && !name.equals(current);
        })) {
            for (Path file : older) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new InputException("old networks in " + directory + " cannot be deleted", e);
        }
    }

    private static Path file(Path directory, Result result, int epochs) {
        return directory.resolve(Updaters.inFileName(result.updater) + "-seed" + result.seed + "-epoch" + epochs + ".zip");
    }

    void startEpoch() {
        takeRandomState();
        network.startEpoch();
    }

    /** Trains on a batch, unless training has failed before. */
    void fit(DataSet batch) {
        unlessFailed(() -> {
            takeRandomState();
            double learningRate = network.learningRate();
            long start = System.nanoTime();
            network.fit(batch);
            double seconds = (System.nanoTime() - start) / 1e9;
            keepRandomState();

            StepRecord record = network.lastRecord();
            result.loss.add(network.loss());
            result.stepSize.add(record == null ? learningRate : record.stepSize());
            result.seconds.add(seconds);
            result.forwardPasses.add(record == null ? 0 : record.forwardPasses());
            result.gradientPasses.add(record == null ? 0 : record.gradientPasses());
            if (record == null && !Double.isFinite(network.loss())) {
                throw new IllegalStateException("the loss is " + network.loss());
            }
        });
    }

    /** @param train for the statistics of an average's BatchNormalization */
    void test(Workload.Quality quality, DataSet train, DataSet test) {
        unlessFailed(() -> {
            takeRandomState();
            double value = quality.of(Updaters.tested(network, result.updater, Batches.forStatistics(train)), test);
            result.testIterations.add(result.loss.size());
            result.testQuality.add(value);
        });
    }

    /** The methods' guard and DL4J's evaluation throw IllegalStateException when there is nothing but NaN left. */
    private void unlessFailed(Runnable work) {
        if (result.failure == null) {
            try {
                work.run();
            } catch (IllegalStateException e) {
                result.failure = "after " + result.loss.size() + " iterations: " + e.getMessage();
            }
        }
    }

    /** For the progress bar. */
    String message() {
        return String.format(Locale.ROOT, " %s %s", result.updater,
                result.failure == null ? String.format(Locale.ROOT, "loss %.3g", network.loss()) : "failed");
    }

    void endEpoch() {
        network.endEpoch();
        result.epochs++;
    }

    Network network() {
        return network;
    }

    Result result() {
        return result;
    }

    private void takeRandomState() {
        Nd4j.getRandom().setStates(randomRoot, randomNode);
    }

    private void keepRandomState() {
        Random random = Nd4j.getRandom();
        randomRoot = random.rootState();
        randomNode = random.nodeState();
    }
}
