package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The updaters behave as DL4J's users expect of an updater's configuration. */
class ConfigurationTest {

    /** Each updater with its defaults and with every property changed. */
    static Stream<StepSizeUpdater> updaters() {
        return Stream.of(
                new PalUpdater(),
                PalUpdater.published().build(),
                PalUpdater.builder().measuringStep(0.02).maxStep(0.5).directionAdaptation(0.1).stepAdaptation(1.1)
                        .exactSlope(false).build(),
                new LabPalUpdater(),
                LabPalUpdater.published().build(),
                LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).stepAdaptation(1.1).momentum(0.3).searchEvery(3)
                        .approximationBatches(2).batchSchedule(Map.of(0, 1, 6, 2)).untrustedUpdates(2)
                        .averagedMeasurements(2).measuringStep(0.02).maxStep(0.5).trainingSetSize(2500).build(),
                LabPalUpdater.builder().measurement(LabPalUpdater.Measurement.PUBLISHED).build(),
                // The batches that this one keeps at k > 1 are not saved: resumed exactly only while k is 1.
                LabPalUpdater.published().searchEvery(3).approximationBatches(2).build(),
                new SlsUpdater(),
                SlsUpdater.published().build(),
                SlsUpdater.builder().base(new Adam(0.1)).condition(SlsUpdater.Condition.GOLDSTEIN).initialStep(0.5).c(0.2)
                        .backtrack(0.7).growth(3).goldsteinGrowth(1.5).maxStep(5).reset(SlsUpdater.Reset.RESTART)
                        .batchesPerEpoch(7).maxTrials(9).asPublished(true).build(),
                new AccuracySlsUpdater(),
                AccuracySlsUpdater.published().build(),
                AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).slopeFactor(2).epsilon(1e-3)
                        .normalized(true).searchBatch(AccuracySlsUpdater.SearchBatch.LARGE).searchEvery(3000)
                        .initialStep(0.5).c(0.2).backtrack(0.7).growth(3).maxStep(5).batchesPerEpoch(7000).maxTrials(9)
                        .asPublished(true).build(),
                new SalsaUpdater(),
                SalsaUpdater.published().build(),
                SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).initialStep(0.5).c(0.2).beta1(0.8)
                        .beta2(0.99).beta3(0.8).growth(1.2).backtrack(0.7).adaptiveFrequency(false).maxInterval(5)
                        .momentumInSearch(true).maxTrials(9).asPublished(true).build(),
                SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build(),
                new L4Updater(),
                L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).fraction(0.1).minLossFactor(0.8)
                        .initFactor(0.5).forgetTime(100).epsilon(1e-10).adamEpsilon(1e-3).gradientTimescale(5)
                        .varianceTimescale(50).build(),
                new GolsUpdater(),
                GolsUpdater.builder().initialStep(1e-3).minStep(1e-6).maxStep(10).growth(3).c2(0.5).overshoot(0.2)
                        .momentum(0).build(),
                new PlsUpdater(),
                PlsUpdater.published().build(),
                PlsUpdater.builder().c1(0.1).wolfeThreshold(0.5).initialStep(0.1).targetSlope(0.3).momentum(0.5)
                        .variance(PlsUpdater.Variance.CHUNKS).meanVariance(false).build(),
                new DogUpdater(),
                DogUpdater.builder().initialDistance(1e-3).epsilon(1e-6).averaging(true).build(),
                new ProdigyUpdater(),
                ProdigyUpdater.builder().beta1(0.8).beta2(0.99).epsilon(1e-7).initialDistance(1e-4).coefficient(2)
                        .growth(1.5).biasCorrection(true).safeguardWarmup(true).build(),
                new MomoUpdater(),
                MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM).build(),
                MomoUpdater.builder().maxStep(0.1).beta1(0.8).beta2(0.99).epsilon(1e-7).lowerBound(-0.5).build(),
                new FanUpdater(),
                FanUpdater.builder().step(0.1).warmUp(5).weightDecay(0.01).beta1(0.8).beta2(0.99).epsilon(1e-7)
                        .averaging(true).build(),
                new PolUpdater(),
                PolUpdater.builder().fraction(1).scaled(false).minStep(0.01).maxStep(0.5).warmUp(3).decay(0.9).beta1(0.8)
                        .beta2(0.99).epsilon(1e-7).build(),
                new ScheduleFreeUpdater(),
                ScheduleFreeUpdater.builder().step(0.1).beta1(0.8).warmUp(5).weightDecay(0.01).beta2(0.99)
                        .epsilon(1e-7).build(),
                new AutoUpdater());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void survivesJsonAndYaml(StepSizeUpdater updater) {
        MultiLayerConfiguration layers = ((MultiLayerNetwork) Problem.MLP_DROPOUT_L2.network(updater, DataType.FLOAT))
                .getLayerWiseConfigurations();
        assertEquals(layers, MultiLayerConfiguration.fromJson(layers.toJson()));
        assertEquals(layers, MultiLayerConfiguration.fromYaml(layers.toYaml()));
        ComputationGraphConfiguration graph = ((ComputationGraph) Problem.RESIDUAL_GRAPH.network(updater, DataType.FLOAT))
                .getConfiguration();
        assertEquals(graph, ComputationGraphConfiguration.fromJson(graph.toJson()));
        assertEquals(graph, ComputationGraphConfiguration.fromYaml(graph.toYaml()));
        DenseLayer first = (DenseLayer) MultiLayerConfiguration.fromJson(layers.toJson()).getConf(0).getLayer();
        assertEquals(updater, first.getIUpdater());
        assertEquals(updater.hashCode(), first.getIUpdater().hashCode());
        assertEquals(updater, updater.clone());
    }

    /** As Spark sends them. */
    @ParameterizedTest
    @MethodSource("updaters")
    void survivesJavaSerialization(StepSizeUpdater updater) throws Exception {
        updater.publishLearningRate(0.5);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(updater);
        }
        StepSizeUpdater copy;
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            copy = (StepSizeUpdater) in.readObject();
        }
        assertEquals(updater, copy);
        assertTrue(Double.isNaN(copy.getLearningRate(0, 0)), "not known before the first iteration");
    }

    /** Equality and messages are made of the properties that are in the JSON: there must be one for each of the builder's. */
    @ParameterizedTest
    @MethodSource("updaters")
    void everyPropertyOfTheBuilderCountsAndHasItsName(StepSizeUpdater updater) throws ReflectiveOperationException {
        Class<?> builder = updater.getClass().getMethod("builder").getReturnType();
        for (Method property : builder.getMethods()) {
            if (StepSizeUpdater.Builder.class.isAssignableFrom(property.getReturnType())) {
                assertTrue(updater.settings().containsKey(property.getName()), property.getName());
                assertTrue(updater.toString().contains(property.getName() + "="), property.getName());
            }
        }
    }

    /** Programs are compiled against them: names may be added, not changed. */
    @ParameterizedTest
    @CsvSource({
            "PalUpdater, measuringStep maxStep directionAdaptation stepAdaptation exactSlope",
            "LabPalUpdater, mode stepAdaptation momentum searchEvery approximationBatches batchSchedule untrustedUpdates"
                    + " averagedMeasurements measuringStep maxStep trainingSetSize measurement",
            "SlsUpdater, base condition initialStep c backtrack growth goldsteinGrowth maxStep reset batchesPerEpoch maxTrials",
            "AccuracySlsUpdater, metric slopeFactor epsilon normalized searchBatch initialStep c backtrack growth batchesPerEpoch"
                    + " maxTrials",
            "SalsaUpdater, direction initialStep c beta1 beta2 beta3 growth backtrack adaptiveFrequency maxInterval"
                    + " momentumInSearch maxTrials",
            "L4Updater, direction fraction minLossFactor initFactor forgetTime epsilon adamEpsilon gradientTimescale"
                    + " varianceTimescale",
            "GolsUpdater, initialStep minStep maxStep growth c2 momentum",
            "PlsUpdater, c1 wolfeThreshold initialStep targetSlope momentum variance meanVariance"})
    void theContractsPropertiesAreThere(String updater, String properties) throws ReflectiveOperationException {
        Class<?> type = Class.forName(getClass().getPackageName() + "." + updater);
        Set<String> names = Arrays.stream(type.getMethod("builder").getReturnType().getMethods()).map(Method::getName)
                .collect(Collectors.toSet());
        for (String property : properties.split(" ")) {
            assertTrue(names.contains(property), updater + " has no " + property);
        }
        assertEquals(type.getMethod("builder").getReturnType(), type.getMethod("published").getReturnType());
    }

    @Test
    void everyPropertyIsSetByTheBuilder() {
        Map<Class<?>, List<StepSizeUpdater>> updaters = updaters().collect(Collectors.groupingBy(Object::getClass));
        updaters.forEach((type, ofType) -> {
            Map<String, Object> defaults = ofType.get(0).settings();
            defaults.forEach((name, value) -> assertTrue(name.equals("averaging")
                    || ofType.stream().anyMatch(updater -> !updater.settings().get(name).equals(value)),
                    name + " is never changed: " + ofType));
        });
    }

    @Test
    void numbersThatAreNoneAreNamed() throws ReflectiveOperationException {
        Set<Class<?>> types = updaters().map(Object::getClass).collect(Collectors.toSet());
        int properties = 0;
        for (Class<?> type : types) {
            for (Method property : type.getMethod("builder").getReturnType().getMethods()) {
                if (Arrays.equals(property.getParameterTypes(), new Class<?>[]{double.class}) && !property.isBridge()) {
                    properties++;
                    Object builder = type.getMethod("builder").invoke(null);
                    property.invoke(builder, Double.NaN);
                    refused(property.getName(), "NaN", ((StepSizeUpdater.Builder<?>) builder)::build);
                }
            }
        }
        assertTrue(properties > 50, "" + properties);
    }

    @Test
    void equalityIsAboutSettings() {
        List<StepSizeUpdater> all = new ArrayList<>();
        updaters().forEach(all::add);
        for (int i = 0; i < all.size(); i++) {
            for (int j = 0; j < i; j++) {
                assertNotEquals(all.get(i), all.get(j));
            }
        }
        assertEquals(new LabPalUpdater(), LabPalUpdater.builder().build());
        assertNotEquals(new Sgd(0.1), new LabPalUpdater());
    }

    @Test
    void missingPropertiesHaveTheirDefaults() {
        String json = Problem.MLP_CLIPPED.network(PalUpdater.builder().maxStep(0.7).build(), DataType.FLOAT)
                .conf().toJson();
        String without = json.replaceAll("\"maxStep\" : 0.7,?", "");
        assertNotEquals(json, without);
        NeuralNetConfiguration read = NeuralNetConfiguration.fromJson(without);
        assertEquals(new PalUpdater(), ((DenseLayer) read.getLayer()).getIUpdater());
    }

    /** Long enough for LABPAL's searches and schedule, and for SaLSa's intervals, which begin at its tenth iteration. */
    private static final int ITERATIONS = 16;
    private static final int BATCHES_PER_EPOCH = 5;
    /** Iterations of a restored network that are compared. */
    private static final int AFTERWARDS = 3;

    /**
     * Stopped after any iteration, in the middle of a search, an accumulation, an interval or an epoch, and restored from
     * what {@code ModelSerializer} wrote, a training goes on bit for bit. The position in the data and in the random
     * stream, which DL4J does not save, are supplied: the stream is put back before the listener is made, which notes
     * where it is.
     */
    @ParameterizedTest
    @MethodSource("updaters")
    void aSavedNetworkGoesOnAsIfNothingHadHappened(StepSizeUpdater updater) throws Exception {
        for (Problem problem : List.of(Problem.MLP_DROPOUT_L2, Problem.RESIDUAL_GRAPH)) {
            List<String> expected = records(begun(problem, updater), problem, 0, ITERATIONS);
            Model saved = begun(problem, updater);
            for (int stop = 1; stop + AFTERWARDS <= ITERATIONS; stop++) {
                assertEquals(expected.subList(stop - 1, stop), records(saved, problem, stop - 1, 1));
                RandomState middle = RandomState.now();
                Model restored = Problem.restored(saved);
                middle.restore();
                restored.addListeners(new StepSizeListener());
                assertEquals(expected.subList(stop, stop + AFTERWARDS), records(restored, problem, stop, AFTERWARDS),
                        updater + " on " + problem + " stopped after " + stop);
                middle.restore();
            }
        }
    }

    private static Model begun(Problem problem, StepSizeUpdater updater) {
        Model model = problem.network(updater, DataType.FLOAT);
        Nd4j.getRandom().setSeed(3);
        model.addListeners(new StepSizeListener());
        return model;
    }

    /** Trains on {@code count} batches; says for each what was recorded and where the parameters are. */
    private static List<String> records(Model model, Problem problem, int first, int count) {
        List<String> records = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            if (i > 0 && i % BATCHES_PER_EPOCH == 0) {
                Problem.endEpoch(model);
            }
            Problem.fit(model, problem.batch(i, 8, DataType.FLOAT));
            records.add(StepSizes.lastRecord(model) + " parameters " + Arrays.hashCode(model.params().toFloatVector()));
        }
        return records;
    }

    /** ANOTHER has lost its other batch: the first search is on the present one, as SAME makes it. */
    @Test
    void batchesKeptForAnotherSearchAreNotSaved() throws Exception {
        Problem problem = Problem.MLP_CLIPPED;
        StepSizeUpdater another = AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER).build();
        MultiLayerNetwork begun = (MultiLayerNetwork) begun(problem, another);
        records(begun, problem, 0, 4);
        MultiLayerNetwork same = (MultiLayerNetwork) begun(problem, new AccuracySlsUpdater());
        records(same, problem, 0, 1);
        same.setParams(begun.params());
        same.getUpdater().getStateViewArray().assign(begun.updaterState());
        same.setIterationCount(4);

        Model restored = Problem.restored(begun);
        restored.addListeners(new StepSizeListener());
        assertEquals(records(same, problem, 4, 1), records(restored, problem, 4, 1));
        assertNotEquals(records(begun, problem, 4, 1), records(same, problem, 4, 1));
    }

    /** LARGE searches on the batches since the restart, however many they are by then. */
    @Test
    void batchesKeptForALargeSearchAreNotSaved() throws Exception {
        Problem problem = Problem.MLP_CLIPPED;
        int searchEvery = 10;
        int stop = 7;
        Model begun = begun(problem, AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.LARGE)
                .searchEvery(searchEvery).build());
        records(begun, problem, 0, stop);
        Model restored = Problem.restored(begun);
        restored.addListeners(new StepSizeListener());
        records(restored, problem, stop, searchEvery - stop);
        assertEquals(0, StepSizes.lastRecord(restored).forwardPasses());
        records(begun, problem, stop, searchEvery - stop + 1);
        records(restored, problem, searchEvery, 1);
        assertSearched(searchEvery, StepSizes.lastRecord(begun));
        assertSearched(searchEvery - stop, StepSizes.lastRecord(restored));
    }

    /** At 0, at epsilon, and at each trial if there are any, every kept batch is passed. */
    private static void assertSearched(int keptBatches, StepRecord record) {
        assertTrue(record.searched());
        assertEquals(0, record.forwardPasses() % keptBatches, record.toString());
        assertTrue(record.forwardPasses() / keptBatches >= 2 && record.forwardPasses() / keptBatches <= 2 + 5, record.toString());
    }

    /** Stopped among the first k batches of a search, PUBLISHED searches from the beginning, without a step in between. */
    @Test
    void aSearchThatKeepsBatchesBeginsAnew() throws Exception {
        Problem problem = Problem.MLP_CLIPPED;
        Model begun = begun(problem, LabPalUpdater.published().approximationBatches(2).batchSchedule(Map.of(0, 3)).build());
        records(begun, problem, 0, 2);
        Model restored = Problem.restored(begun);
        restored.addListeners(new StepSizeListener());
        INDArray parameters = restored.params().dup();
        // Two groups of three batches: the last one moves.
        for (int i = 0; i < 5; i++) {
            records(restored, problem, 2 + i, 1);
            assertEquals(Outcome.MEASURED, StepSizes.lastRecord(restored).outcome());
        }
        assertEquals(0.0, ForwardPassTest.maxDifference(parameters, restored.params()));
        records(restored, problem, 7, 1);
        assertNotEquals(Outcome.MEASURED, StepSizes.lastRecord(restored).outcome());
        assertNotEquals(parameters, restored.params());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void aCloneTrainsLikeItsOriginal(StepSizeUpdater updater) {
        Problem problem = Problem.MLP_CLIPPED;
        MultiLayerNetwork original = (MultiLayerNetwork) problem.network(updater, DataType.FLOAT);
        original.addListeners(new StepSizeListener());
        problem.fit(original, 5);
        MultiLayerNetwork clone = original.clone();
        clone.setListeners(new StepSizeListener());
        assertEquals(records(original, problem, 5, 9), records(clone, problem, 5, 9));
    }

    /** It has the listeners of the original, but DL4J's optimizer in it tells them nothing. */
    @ParameterizedTest
    @MethodSource("updaters")
    void aClonedGraphTrainsLikeItsOriginal(StepSizeUpdater updater) {
        Problem problem = Problem.MLP_CLIPPED;
        List<StepRecord> heard = new ArrayList<>();
        ComputationGraph original = ((MultiLayerNetwork) problem.network(updater, DataType.FLOAT)).toComputationGraph();
        original.addListeners(new StepSizeListener().iterations(30).onStep(heard::add));
        problem.fit(original, 5);
        ComputationGraph clone = original.clone();
        // DL4J's clone forgets them.
        clone.getConfiguration().setIterationCount(original.getIterationCount());
        clone.getConfiguration().setEpochCount(original.getEpochCount());
        heard.clear();
        assertEquals(records(original, problem, 5, 9), records(clone, problem, 5, 9));
        assertEquals(heard.subList(0, 9).toString(), heard.subList(9, heard.size()).toString());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void transferLearningReplacesAnUpdater(StepSizeUpdater updater) {
        MultiLayerNetwork old = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(new Adam(1e-3), DataType.FLOAT);
        Problem.MLP_CLIPPED.fit(old, 3);
        MultiLayerNetwork retrained = new TransferLearning.Builder(old)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder().updater(updater).build())
                .setFeatureExtractor(0)
                .removeOutputLayer()
                .addLayer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(16).nOut(4).activation(Activation.SOFTMAX).build())
                .build();
        retrained.addListeners(new StepSizeListener());
        INDArray frozen = retrained.getLayer(0).params().dup();
        INDArray head = retrained.getLayer(1).params().dup();
        Problem.MLP_CLIPPED.fit(retrained, 14);
        assertEquals(frozen, retrained.getLayer(0).params());
        // Not by equals, whose tolerance hides the first steps of methods that begin carefully.
        assertTrue(ForwardPassTest.maxDifference(head, retrained.getLayer(1).params()) > 0);
    }

    @Test
    void otherUpdatersKeepTheirRatesAndStayOutOfTheLine() {
        MultiLayerConfiguration layers = new NeuralNetConfiguration.Builder().seed(1)
                .updater(PalUpdater.builder().directionAdaptation(0).build()).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.TANH).updater(new Sgd(0.1)).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(16).nOut(4).activation(Activation.SOFTMAX).build())
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(layers);
        network.init();
        network.addListeners(new StepSizeListener());
        MultiLayerNetwork reference = network.clone();
        Problem.MLP_CLIPPED.fit(network, 1);
        StepRecord record = StepSizes.lastRecord(network);
        assertEquals(1, record.forwardPasses());

        // The same step by hand: gradient times 0.1 in the first layer, times the searched rate in the second.
        org.nd4j.linalg.dataset.MultiDataSet batch = Problem.MLP_CLIPPED.batch(0, 5, DataType.FLOAT);
        INDArray gradient = reference.calculateGradients(batch.getFeatures(0), batch.getLabels(0), null, null)
                .getFirst().gradient().reshape(-1).div(5);
        long first = reference.getLayer(0).numParams();
        gradient.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, first)).muli(0.1);
        gradient.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(first, gradient.length())).muli(record.learningRate());
        INDArray expected = reference.params().reshape(-1).sub(gradient);
        assertEquals(0, ForwardPassTest.maxDifference(expected, network.params().reshape(-1)), 1e-6);
        assertEquals(0.1, network.getLearningRate(0));
        assertEquals(record.learningRate(), network.getLearningRate(1));
    }

    @Test
    void theLearningRateShownIsTheLastFactorOnTheDirection() {
        for (Problem problem : List.of(Problem.MLP_DROPOUT_L2, Problem.RESIDUAL_GRAPH)) {
            Model model = problem.network(new PalUpdater(), DataType.FLOAT);
            model.addListeners(new StepSizeListener());
            problem.fit(model, 3);
            double rate = StepSizes.lastRecord(model).learningRate();
            assertTrue(rate > 0);
            if (model instanceof MultiLayerNetwork) {
                for (int i = 0; i < 3; i++) {
                    assertEquals(rate, ((MultiLayerNetwork) model).getLearningRate(i));
                }
            } else {
                for (String layer : List.of("conv1", "norm1", "dense", "out")) {
                    assertEquals(rate, ((ComputationGraph) model).getLearningRate(layer));
                }
            }
        }
    }

    @Test
    void aLearningRateCannotBeSet() {
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(new PalUpdater(), DataType.FLOAT);
        String message = assertThrows(UnsupportedOperationException.class, () -> network.setLearningRate(0.1)).getMessage();
        assertTrue(message.contains("PalUpdater computes its step size"), message);
    }

    @Test
    void withoutListenerTheFirstBatchSaysWhichLineToAdd() {
        for (Problem problem : List.of(Problem.MLP_CLIPPED, Problem.RESIDUAL_GRAPH)) {
            Model model = problem.network(new LabPalUpdater(), DataType.FLOAT);
            INDArray before = model.params().dup();
            String message = assertThrows(IllegalStateException.class, () -> problem.fit(model, 1)).getMessage();
            assertTrue(message.contains("net.addListeners(new StepSizeListener())"), message);
            assertEquals(before, model.params());
            // Adding it then is enough.
            model.addListeners(new StepSizeListener());
            problem.fit(model, 12);
            assertNotEquals(before, model.params());
        }
    }

    @Test
    void networksWithoutStepSizesAreLeftAlone() {
        Model plain = Problem.MLP_DROPOUT_L2.network(new Adam(0.01), DataType.FLOAT);
        plain.addListeners(new StepSizeListener());
        Problem.MLP_DROPOUT_L2.fit(plain, 2);
        assertNull(StepSizes.lastRecord(plain));
    }

    @Test
    void sameDiffIsRefused() {
        SameDiff graph = SameDiff.create();
        SDVariable input = graph.placeHolder("input", DataType.FLOAT, -1, 3);
        SDVariable weights = graph.var("weights", Nd4j.rand(DataType.FLOAT, 3, 1));
        graph.setLossVariables(input.mmul(weights).norm2("loss"));
        graph.setTrainingConfig(TrainingConfig.builder().updater(new AutoUpdater()).dataSetFeatureMapping("input")
                .dataSetLabelMapping(List.of()).build());
        DataSet batch = new DataSet(Nd4j.rand(DataType.FLOAT, 4, 3), null);
        String message = assertThrows(UnsupportedOperationException.class, () -> graph.fit(batch)).getMessage();
        assertTrue(message.contains("AutoUpdater") && message.contains("not on SameDiff"), message);
    }

    @Test
    void twoStepSizeUpdatersInOneNetworkAreRefused() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(16).updater(new PalUpdater()).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(16).nOut(4).activation(Activation.SOFTMAX)
                        .updater(new LabPalUpdater()).build()).build());
        network.init();
        network.addListeners(new StepSizeListener());
        String message = assertThrows(IllegalStateException.class, () -> Problem.MLP_CLIPPED.fit(network, 1)).getMessage();
        assertTrue(message.contains("two different step size updaters"), message);
    }

    @Test
    void halfPrecisionIsRefused() {
        // DL4J itself refuses BFLOAT16.
        Model model = Problem.MLP_CLIPPED.network(new LabPalUpdater(), DataType.HALF);
        model.addListeners(new StepSizeListener());
        String message = assertThrows(IllegalStateException.class, () -> Problem.MLP_CLIPPED.fit(model, 1)).getMessage();
        assertTrue(message.contains("HALF") && message.contains("dataType(DataType.FLOAT)"), message);
    }

    @Test
    void otherOptimizationAlgorithmsAreRefused() {
        Model model = Problem.MLP_CLIPPED.build(new NeuralNetConfiguration.Builder().updater(new PalUpdater())
                .optimizationAlgo(OptimizationAlgorithm.LINE_GRADIENT_DESCENT));
        model.addListeners(new StepSizeListener());
        String message = assertThrows(IllegalStateException.class, () -> Problem.MLP_CLIPPED.fit(model, 1)).getMessage();
        assertTrue(message.contains("LINE_GRADIENT_DESCENT"), message);
    }

    @Test
    void theStateOfOtherUpdatersIsRefused() {
        for (Problem problem : List.of(Problem.MLP_CLIPPED, Problem.RESIDUAL_GRAPH)) {
            Model model = problem.network(new Adam(), DataType.FLOAT);
            problem.fit(model, 1);
            for (Layer layer : Problem.layersOf(model)) {
                if (layer.conf().getLayer() instanceof BaseLayer) {
                    ((BaseLayer) layer.conf().getLayer()).setIUpdater(new AutoUpdater());
                }
            }
            model.addListeners(new StepSizeListener());
            String message = assertThrows(IllegalStateException.class, () -> problem.fit(model, 1)).getMessage();
            assertTrue(message.contains("setUpdater(null)"), message);
            Problem.forgetUpdater(model);
            problem.fit(model, 1);
            assertEquals(1, StepSizes.lastRecord(model).iteration());
        }
    }

    @Test
    void methodsThatAverageSaySo() {
        for (StepSizeUpdater.Builder<?> builder : List.of(AutoUpdater.builder(), ScheduleFreeUpdater.builder())) {
            StepSizeUpdater updater = builder.build();
            assertTrue(updater.isAveraging());
            assertEquals(updater, builder.averaging(false).build());
        }
    }

    @Test
    void valuesOutOfRangeAreNamed() {
        refused("measuringStep", "0.0", () -> PalUpdater.builder().measuringStep(0).build());
        refused("step", "1001.0", () -> FanUpdater.builder().step(1001).build());
        refused("step", "1001.0", () -> ScheduleFreeUpdater.builder().step(1001).build());
        refused("maxStep", "NaN", () -> PalUpdater.builder().maxStep(Double.NaN).build());
        refused("directionAdaptation", "1.0", () -> PalUpdater.builder().directionAdaptation(1).build());
        refused("stepAdaptation", "-1.0", () -> PalUpdater.builder().stepAdaptation(-1).build());
        refused("mode", "null", () -> LabPalUpdater.builder().mode(null).build());
        refused("stepAdaptation", "Infinity", () -> LabPalUpdater.builder().stepAdaptation(1 / 0.0).build());
        refused("momentum", "-0.1", () -> LabPalUpdater.builder().momentum(-0.1).build());
        refused("searchEvery", "0", () -> LabPalUpdater.builder().searchEvery(0).build());
        refused("approximationBatches", "0", () -> LabPalUpdater.builder().approximationBatches(0).build());
        refused("batchSchedule", "{5=1}", () -> LabPalUpdater.builder().batchSchedule(Map.of(5, 1)).build());
        refused("batchSchedule's fit iteration", "null",
                () -> LabPalUpdater.builder().batchSchedule(Collections.singletonMap(null, 1)).build());
        refused("batchSchedule", "0", () -> LabPalUpdater.builder().batchSchedule(Map.of(0, 0)).build());
        refused("untrustedUpdates", "-1", () -> LabPalUpdater.builder().untrustedUpdates(-1).build());
        refused("averagedMeasurements", "0", () -> LabPalUpdater.builder().averagedMeasurements(0).build());
        refused("trainingSetSize", "-1", () -> LabPalUpdater.builder().trainingSetSize(-1).build());
        refused("measurement", "null", () -> LabPalUpdater.builder().measurement(null).build());
        refused("base", "null", () -> SlsUpdater.builder().base(null).build());
        refused("base", new PalUpdater().toString(), () -> SlsUpdater.builder().base(new PalUpdater()).build());
        refused("condition", "null", () -> SlsUpdater.builder().condition(null).build());
        refused("initialStep", "0.0", () -> SlsUpdater.builder().initialStep(0).build());
        refused("initialStep", "11.0", () -> SlsUpdater.builder().initialStep(11).reset(SlsUpdater.Reset.RESTART).build());
        assertEquals(0.5, SlsUpdater.builder().maxStep(0.5).build().getInitialStep());
        refused("initialStep", "2.0", () -> AccuracySlsUpdater.builder().initialStep(2).maxStep(1).build());
        refused("c", "1.0", () -> SlsUpdater.builder().c(1).build());
        refused("c", "0.5", () -> SlsUpdater.builder().c(0.5).condition(SlsUpdater.Condition.GOLDSTEIN).build());
        refused("backtrack", "1.0", () -> SlsUpdater.builder().backtrack(1).build());
        refused("growth", "0.9", () -> SlsUpdater.builder().growth(0.9).build());
        refused("goldsteinGrowth", "0.9", () -> SlsUpdater.builder().goldsteinGrowth(0.9).build());
        refused("maxStep", "0.0", () -> SlsUpdater.builder().maxStep(0).build());
        refused("reset", "null", () -> SlsUpdater.builder().reset(null).build());
        refused("batchesPerEpoch", "-1", () -> SlsUpdater.builder().batchesPerEpoch(-1).build());
        refused("maxTrials", "0", () -> SlsUpdater.builder().maxTrials(0).build());
        refused("metric", "null", () -> AccuracySlsUpdater.builder().metric(null).build());
        refused("slopeFactor", "-1.0", () -> AccuracySlsUpdater.builder().slopeFactor(-1).build());
        refused("epsilon", "NaN", () -> AccuracySlsUpdater.builder().epsilon(Double.NaN).build());
        refused("searchBatch", "null", () -> AccuracySlsUpdater.builder().searchBatch(null).build());
        refused("searchEvery", "0", () -> AccuracySlsUpdater.builder().searchEvery(0).build());
        refused("direction", "null", () -> SalsaUpdater.builder().direction(null).build());
        refused("beta1", "1.0", () -> SalsaUpdater.builder().beta1(1).build());
        refused("beta2", "-0.1", () -> SalsaUpdater.builder().beta2(-0.1).build());
        refused("beta3", "1.0", () -> SalsaUpdater.builder().beta3(1).build());
        refused("maxInterval", "0", () -> SalsaUpdater.builder().maxInterval(0).build());
        refused("initialDistance", "0.0", () -> DogUpdater.builder().initialDistance(0).build());
        refused("epsilon", "0.0", () -> DogUpdater.builder().epsilon(0).build());
        refused("beta1", "1.0", () -> ProdigyUpdater.builder().beta1(1).build());
        refused("beta2", "0.0", () -> ProdigyUpdater.builder().beta2(0).build());
        refused("epsilon", "-1.0", () -> ProdigyUpdater.builder().epsilon(-1).build());
        refused("initialDistance", "NaN", () -> ProdigyUpdater.builder().initialDistance(Double.NaN).build());
        refused("coefficient", "0.0", () -> ProdigyUpdater.builder().coefficient(0).build());
        refused("growth", "1.0", () -> ProdigyUpdater.builder().growth(1).build());
        refused("growth", "NaN", () -> ProdigyUpdater.builder().growth(Double.NaN).build());
        refused("initialStep", "1.0E-9", () -> GolsUpdater.builder().initialStep(1e-9).build());
        refused("growth", "1.0", () -> GolsUpdater.builder().growth(1).build());
        refused("direction", "null", () -> MomoUpdater.builder().direction(null).build());
        refused("maxStep", "0.0", () -> MomoUpdater.builder().maxStep(0).build());
        refused("beta1", "-0.1", () -> MomoUpdater.builder().beta1(-0.1).build());
        refused("beta2", "1.0", () -> MomoUpdater.builder().beta2(1).build());
        refused("epsilon", "0.0", () -> MomoUpdater.builder().epsilon(0).build());
        refused("lowerBound", "-Infinity", () -> MomoUpdater.builder().lowerBound(-1 / 0.0).build());
    }

    private static void refused(String property, String value, Callable<?> call) {
        String message = assertThrows(IllegalArgumentException.class, call::call).getMessage();
        assertTrue(message.startsWith(property) && message.contains(" is " + value + ","), message);
    }
}
