package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.Locale;
import java.util.function.Function;

/** A network, the data it is trained on, and what tells how good it is. */
final class Workload {

    /** Makes a network with an updater; the initial weights depend on the seed only. */
    interface NetworkBuilder {
        Model build(TrainTest data, IUpdater updater, long seed);
    }

    /** What a network is worth on data that it has not been trained on. */
    enum Quality {
        ACCURACY("test accuracy") {
            @Override
            double of(Network network, DataSet test) {
                return network.accuracy(Batches.inOrder(test, TEST_BATCH));
            }

            @Override
            String text(double value) {
                return String.format(Locale.ROOT, "%.2f %%", 100 * value);
            }
        },
        R_SQUARED("test R2") {
            @Override
            double of(Network network, DataSet test) {
                return network.rSquared(Batches.inOrder(test, TEST_BATCH));
            }

            @Override
            String text(double value) {
                return String.format(Locale.ROOT, "%.3f", value);
            }
        },
        LOSS("test loss") {
            @Override
            double of(Network network, DataSet test) {
                return network.loss(test);
            }

            @Override
            String text(double value) {
                return String.format(Locale.ROOT, "%.3g", value);
            }
        };

        private static final int TEST_BATCH = 500;

        final String title;

        Quality(String title) {
            this.title = title;
        }

        abstract double of(Network network, DataSet test);

        abstract String text(double value);
    }

    final String title;
    final int epochs;
    final int batchSize;
    final Quality quality;

    private final Function<DataFiles, TrainTest> data;
    private final NetworkBuilder network;

    /**
     * @param epochs    how many are worth the wait
     * @param batchSize the usual one
     */
    Workload(String title, int epochs, int batchSize, Quality quality, Function<DataFiles, TrainTest> data,
             NetworkBuilder network) {
        this.title = title;
        this.epochs = epochs;
        this.batchSize = batchSize;
        this.quality = quality;
        this.data = data;
        this.network = network;
    }

    TrainTest load(DataFiles files) {
        return data.apply(files);
    }

    Network network(TrainTest examples, IUpdater updater, long seed) {
        return new Network(network.build(examples, updater, seed));
    }
}
