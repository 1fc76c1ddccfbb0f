package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * The Armijo family on Fashion-MNIST: does any run collapse, and how many forward passes does a step cost? Run with
 * {@code mvn test -Dexcluded.tests= -Dtest=ArmijoBenchmark}.
 */
@Tag("benchmark")
class ArmijoBenchmark {

    private static final int BATCH = 128;
    private static final int SEEDS = 4;
    private static final int SUBSET = 10_000;
    private static final int ALL = 60_000;
    private static final double[] RATES = {0.001, 0.01, 0.1};

    enum Network {
        MLP {
            @Override
            NeuralNetConfiguration.ListBuilder layers(NeuralNetConfiguration.ListBuilder list) {
                return list.layer(new DenseLayer.Builder().nIn(784).nOut(512).activation(Activation.RELU).build())
                        .layer(new DenseLayer.Builder().nOut(256).activation(Activation.RELU).build());
            }
        },
        CNN {
            @Override
            NeuralNetConfiguration.ListBuilder layers(NeuralNetConfiguration.ListBuilder list) {
                return convolution(convolution(list, 5, 3, 8), 3, 2, 16);
            }

            private NeuralNetConfiguration.ListBuilder convolution(NeuralNetConfiguration.ListBuilder list, int size,
                                                                   int stride, int out) {
                return list.layer(new ConvolutionLayer.Builder(size, size).stride(stride, stride).nOut(out)
                                .activation(Activation.IDENTITY).build())
                        .layer(new BatchNormalization()).layer(new ActivationLayer(Activation.RELU));
            }
        };

        abstract NeuralNetConfiguration.ListBuilder layers(NeuralNetConfiguration.ListBuilder list);

        MultiLayerNetwork create(IUpdater updater, long seed) {
            MultiLayerConfiguration configuration = layers(new NeuralNetConfiguration.Builder().seed(seed)
                    .weightInit(WeightInit.RELU).updater(updater).list())
                    .layer(new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT).nOut(10)
                            .activation(Activation.SOFTMAX).build())
                    .setInputType(InputType.convolutionalFlat(28, 28, 1)).build();
            MultiLayerNetwork network = new MultiLayerNetwork(configuration);
            network.init();
            network.addListeners(new StepSizeListener());
            return network;
        }
    }

    static Map<String, StepSizeUpdater> family() {
        Map<String, StepSizeUpdater> family = new LinkedHashMap<>();
        family.put("SLS", new SlsUpdater());
        family.put("Adam+SLS", SlsUpdater.builder().base(new Adam()).build());
        family.put("SaLSa-SGD", SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build());
        family.put("SaLSa-Adam", new SalsaUpdater());
        family.put("sa-SLS", new AccuracySlsUpdater());
        return family;
    }

    private static FashionMnist data;

    @BeforeAll
    static void load() throws IOException {
        data = FashionMnist.load();
    }

    /** 20 runs on each network: none ends below 90 % of the mean accuracy of SGD with momentum at the best of three rates. */
    @ParameterizedTest
    @EnumSource
    void noRunCollapses(Network network) {
        List<String> collapsed = new ArrayList<>();
        double reference = 0;
        for (double rate : RATES) {
            double[] accuracies = accuracies(network, new Nesterovs(rate, 0.9));
            print(network, "SGD momentum " + rate, accuracies);
            reference = Math.max(reference, DoubleStream.of(accuracies).average().orElseThrow());
        }
        for (Map.Entry<String, StepSizeUpdater> method : family().entrySet()) {
            double[] accuracies = accuracies(network, method.getValue());
            print(network, method.getKey(), accuracies);
            for (int i = 0; i < SEEDS; i++) {
                // "Not at least" so that NaN is a collapse.
                if (!(accuracies[i] >= 0.9 * reference)) {
                    collapsed.add(network + " " + method.getKey() + " seed " + (i + 1) + ": " + accuracies[i]);
                }
            }
        }
        assertTrue(collapsed.isEmpty(), "collapsed: " + collapsed);
    }

    private static double[] accuracies(Network network, IUpdater updater) {
        return IntStream.rangeClosed(1, SEEDS)
                .mapToDouble(seed -> new Run(network, updater, seed, data, SUBSET).epochs(3).accuracy()).toArray();
    }

    private static void print(Network network, String method, double[] accuracies) {
        StringBuilder line = new StringBuilder(String.format("| %s | %-18s |", network, method));
        for (double accuracy : accuracies) {
            line.append(String.format(Locale.ROOT, " %.2f |", 100 * accuracy));
        }
        System.out.println(line);
    }

    /** Extra forward passes per batch on the MLP, and the time of a batch in units of plain Sgd's. */
    @Test
    void forwardPassesAreFew() {
        Run sgd = new Run(Network.MLP, new Sgd(0.01), 1, data, ALL).epochs(1);
        System.out.printf(Locale.ROOT, "| Sgd | 0 | %.2f ms |%n", sgd.millisPerBatch());
        Map<String, StepSizeUpdater> family = family();
        family.put("SaLSa-Adam, 3 epochs", family.remove("SaLSa-Adam"));
        family.put("SaLSa-SGD, 3 epochs", family.remove("SaLSa-SGD"));
        Map<String, Double> passes = new LinkedHashMap<>();
        family.forEach((method, updater) -> {
            Run run = new Run(Network.MLP, updater, 1, data, ALL).epochs(method.contains("3 epochs") ? 3 : 1);
            System.out.printf(Locale.ROOT, "| %s | %.3f forwards | time %.2f of Sgd | accuracy %.2f |%n", method,
                    run.forwardPassesPerBatch(), run.millisPerBatch() / sgd.millisPerBatch(), 100 * run.accuracy());
            passes.put(method, run.forwardPassesPerBatch());
        });
        assertTrue(passes.get("SLS") <= 1.2, "SLS " + passes);
        assertTrue(passes.get("sa-SLS") <= 2.2, "sa-SLS " + passes);
        assertTrue(passes.get("SaLSa-Adam, 3 epochs") <= 0.5, "SaLSa-Adam " + passes);
        assertTrue(passes.get("SaLSa-SGD, 3 epochs") <= 0.5, "SaLSa-SGD " + passes);
    }

    /** A training run on batches in an order of its own. */
    static final class Run {

        final MultiLayerNetwork network;
        private final long seed;
        private final FashionMnist data;
        private final int examples;
        private int epochs;
        private int iterations;
        private int forwardPasses;
        private long nanos;

        Run(Network network, IUpdater updater, long seed, FashionMnist data, int examples) {
            this.network = network.create(updater, seed);
            this.seed = seed;
            this.data = data;
            this.examples = examples;
        }

        Run epochs(int count) {
            for (int epoch = 0; epoch < count; epoch++) {
                List<DataSet> batches = data.batches(examples, BATCH, 100 * seed + epochs++);
                long start = System.nanoTime();
                for (DataSet batch : batches) {
                    network.fit(batch);
                    iterations++;
                    StepRecord record = StepSizes.lastRecord(network);
                    forwardPasses += record == null ? 0 : record.forwardPasses();
                }
                nanos += System.nanoTime() - start;
                network.incrementEpochCount();
            }
            return this;
        }

        double forwardPassesPerBatch() {
            return forwardPasses / (double) iterations;
        }

        double millisPerBatch() {
            return nanos / 1e6 / iterations;
        }

        double accuracy() {
            Evaluation evaluation = new Evaluation(10);
            for (DataSet batch : data.test.batchBy(1000)) {
                evaluation.eval(batch.getLabels(), network.output(batch.getFeatures(), false));
            }
            return evaluation.accuracy();
        }
    }
}
