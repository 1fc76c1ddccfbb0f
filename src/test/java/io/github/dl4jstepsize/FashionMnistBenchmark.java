package io.github.dl4jstepsize;

import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Accuracy and cost of the recommended defaults on the 60,000 Fashion-MNIST images: an MLP 784-512-256-10, batch 128, three
 * epochs, seeds 1 to 3. All methods train side by side, batch by batch, so that their times compare. Run with
 * {@code OMP_NUM_THREADS=1 mvn test -Dexcluded.tests= -Dtest=FashionMnistBenchmark}; some of the methods with
 * {@code -Dmethods='GOLS-I|PLS'}, a regular expression.
 */
@Tag("benchmark")
class FashionMnistBenchmark {

    private static final int EPOCHS = 3;
    private static final int SEEDS = 3;

    /** What competes, with the accuracy in percent that it has to reach with every seed. */
    private static Map<String, Method> methods() {
        Map<String, Method> methods = new LinkedHashMap<>();
        methods.put("Sgd(0.1)", new Method(new Sgd(0.1), 0));
        methods.put("Nesterovs(0.01)", new Method(new Nesterovs(0.01), 0));
        methods.put("Adam(1e-3)", new Method(new Adam(1e-3), 0));
        methods.put("LINE_GRADIENT_DESCENT",
                new Method(new Sgd(), OptimizationAlgorithm.LINE_GRADIENT_DESCENT, 0));
        methods.put("LABPAL&NSGD", new Method(new LabPalUpdater(), 84));
        methods.put("LABPAL&SGD", new Method(LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).build(), 0));
        methods.put("PAL", new Method(new PalUpdater(), 80));
        methods.put("SLS", new Method(new SlsUpdater(), 0));
        methods.put("Adam+SLS", new Method(SlsUpdater.builder().base(new Adam()).build(), 0));
        methods.put("SaLSa", new Method(new SalsaUpdater(), 0));
        methods.put("sa-SLS", new Method(new AccuracySlsUpdater(), 0));
        methods.put("L4Mom", new Method(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), 82.5));
        methods.put("L4Adam", new Method(new L4Updater(), 83.5));
        methods.put("Auto, average", new Method(new AutoUpdater(), 0));
        methods.put("Auto, itself", new Method(new AutoUpdater(), 0).withoutAverage());
        methods.put("FAN", new Method(new FanUpdater(), 0));
        methods.put("POL", new Method(new PolUpdater(), 0));
        methods.put("GOLS-I", new Method(new GolsUpdater(), 75));
        methods.put("PLS", new Method(new PlsUpdater(), 0));
        methods.put("DoG", new Method(new DogUpdater(), 0));
        methods.put("Prodigy", new Method(new ProdigyUpdater(), 0));
        methods.put("MoMo", new Method(MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM).build(), 0));
        methods.put("MoMo-Adam", new Method(new MomoUpdater(), 0));
        return methods;
    }

    @Test
    void recommendedDefaultsReachTheirAccuracy() throws Exception {
        FashionMnist data = FashionMnist.load();
        Map<String, Method> methods = methods();
        methods.keySet().removeIf(name -> !name.equals("Sgd(0.1)") && !name.matches(System.getProperty("methods", ".*")));
        for (int seed = 1; seed <= SEEDS; seed++) {
            train(methods, data, seed);
        }
        double sgd = methods.get("Sgd(0.1)").milliseconds();
        StringBuilder table = new StringBuilder(String.format(Locale.ROOT, "%n%-18s %-24s %12s %10s %8s%n", "method",
                "test accuracy, seeds 1-" + SEEDS, "last loss", "ms/batch", "/ Sgd"));
        methods.forEach((name, method) -> table.append(String.format(Locale.ROOT, "%-18s %-24s %12.3f %10.2f %8.2f"
                        + "   %.2f extra forward passes per batch%n",
                name, method.accuracies, method.loss, method.milliseconds(), method.milliseconds() / sgd,
                method.forwardPasses / (double) Math.max(1, method.records))));
        System.out.println(table);
        methods.forEach((name, method) -> method.accuracies.forEach(accuracy ->
                assertTrue(accuracy >= method.required, name + " reached " + accuracy + " %" + table)));
        assertTrue(!methods.containsKey("PLS") || methods.get("PLS").lossAlwaysFell,
                "PLS' loss has to fall in every epoch" + table);
    }

    private static void train(Map<String, Method> methods, FashionMnist data, int seed) {
        methods.values().forEach(method -> method.start(seed));
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            for (DataSet batch : data.batches(60000, 128, 100L * seed + epoch)) {
                methods.values().forEach(method -> method.fit(batch));
            }
            // Batches come one by one: the network has to be told that an epoch is over.
            methods.values().forEach(Method::endEpoch);
        }
        List<DataSet> test = data.test.batchBy(1000);
        methods.values().forEach(method -> method.finish(test));
    }

    private static final class Method {

        private final IUpdater updater;
        private final OptimizationAlgorithm algorithm;
        private final double required;
        private boolean withoutAverage;
        private final List<Double> accuracies = new ArrayList<>();
        private final List<Long> nanoseconds = new ArrayList<>();
        private MultiLayerNetwork network;
        private double loss;
        private long forwardPasses;
        private long records;
        private double lossOfEpoch;
        private double lossOfLastEpoch;
        private boolean lossAlwaysFell = true;

        private Method(IUpdater updater, double required) {
            this(updater, OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT, required);
        }

        private Method(IUpdater updater, OptimizationAlgorithm algorithm, double required) {
            this.updater = updater;
            this.algorithm = algorithm;
            this.required = required;
        }

        private Method withoutAverage() {
            withoutAverage = true;
            return this;
        }

        private void start(int seed) {
            network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(seed)
                    .weightInit(WeightInit.RELU).updater(updater).optimizationAlgo(algorithm).list()
                    .layer(new DenseLayer.Builder().nOut(512).activation(Activation.RELU).build())
                    .layer(new DenseLayer.Builder().nOut(256).activation(Activation.RELU).build())
                    .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(10).activation(Activation.SOFTMAX).build())
                    .setInputType(InputType.feedForward(784)).build());
            network.init();
            lossOfEpoch = 0;
            lossOfLastEpoch = Double.POSITIVE_INFINITY;
            network.addListeners(new StepSizeListener().onStep(record -> {
                forwardPasses += record.forwardPasses();
                records++;
            }));
        }

        private void fit(DataSet batch) {
            long start = System.nanoTime();
            network.fit(batch);
            nanoseconds.add(System.nanoTime() - start);
            lossOfEpoch += network.score();
        }

        private void endEpoch() {
            lossAlwaysFell &= lossOfEpoch < lossOfLastEpoch;
            lossOfLastEpoch = lossOfEpoch;
            lossOfEpoch = 0;
            network.incrementEpochCount();
        }

        private void finish(List<DataSet> test) {
            loss = network.score();
            boolean averages = updater instanceof StepSizeUpdater && ((StepSizeUpdater) updater).isAveraging();
            MultiLayerNetwork tested = averages && !withoutAverage ? StepSizes.averaged(network) : network;
            accuracies.add(Math.round(1e4 * tested.evaluate(new ExistingDataSetIterator(test)).accuracy()) / 100.0);
        }

        private double milliseconds() {
            // A mean, because methods that search now and then have more than one typical time, without the outliers
            // of a busy machine.
            long[] sorted = nanoseconds.stream().mapToLong(Long::longValue).sorted().toArray();
            return Arrays.stream(sorted, sorted.length / 100, sorted.length - sorted.length / 20).average().orElse(0) / 1e6;
        }
    }
}
