package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.StepRecord;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.nio.file.Path;

/**
 * A network that is trained batch by batch in turn with others. Each has its own stream of random numbers, which starts
 * where the others' start, so that all of them draw the same dropout masks.
 */
final class Contender {

    private final Network network;
    private final Result result;

    private Contender(Network network, Result result) {
        this.network = network;
        this.result = result;
    }

    static Contender fresh(Workload workload, TrainTest data, Result result) {
        Nd4j.getRandom().setSeed(result.seed);
        Contender contender = new Contender(workload.network(data, Updaters.named(result.updater), result.seed), result);
        contender.keepRandomState();
        return contender;
    }

    static Contender load(Path directory, Result result) {
        return new Contender(Network.load(file(directory, result, result.epochs)), result);
    }

    void save(Path directory) {
        network.save(file(directory, result, result.epochs));
    }

    static Path file(Path directory, Result result, int epochs) {
        return directory.resolve(result.updater + "-seed" + result.seed + "-epoch" + epochs + ".zip");
    }

    void startEpoch() {
        takeRandomState();
        network.startEpoch();
    }

    void fit(DataSet batch) {
        takeRandomState();
        long start = System.nanoTime();
        network.fit(batch);
        double seconds = (System.nanoTime() - start) / 1e9;
        keepRandomState();

        StepRecord record = network.lastRecord();
        result.loss.add(network.loss());
        result.stepSize.add(network.stepSize());
        result.seconds.add(seconds);
        result.forwardPasses.add(record == null ? 0 : record.forwardPasses());
        result.gradientPasses.add(record == null ? 0 : record.gradientPasses());
    }

    void endEpoch() {
        network.endEpoch();
        result.epochs++;
    }

    void test(Workload.Quality quality, DataSet test) {
        result.testIterations.add(result.loss.size());
        result.testQuality.add(quality.of(network, test));
    }

    Result result() {
        return result;
    }

    private void takeRandomState() {
        Nd4j.getRandom().setStates(result.randomRoot, result.randomNode);
    }

    private void keepRandomState() {
        Random random = Nd4j.getRandom();
        result.randomRoot = random.rootState();
        result.randomNode = random.nodeState();
    }
}
