package io.github.dl4jstepsize;

import org.deeplearning4j.datasets.iterator.AsyncDataSetIterator;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.parallelism.ParallelWrapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** All the ways in which DL4J trains a network lead to the same steps. */
class TrainingLoopTest {

    private static final int BATCHES = 6;
    private static final int EPOCHS = 2;

    private static StepSizeUpdater updater() {
        return LabPalUpdater.builder().searchEvery(3).approximationBatches(2).momentum(0.3).build();
    }

    private static MultiLayerNetwork network(Problem problem) {
        return (MultiLayerNetwork) problem.network(updater(), DataType.FLOAT);
    }

    private static List<DataSet> batches(Problem problem) {
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            MultiDataSet batch = problem.batch(i, 8, DataType.FLOAT);
            batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        return batches;
    }

    /** The parameters after the training loop {@code fit}, from the same start of the random stream. */
    private static INDArray parameters(Problem problem, Consumer<MultiLayerNetwork> fit) {
        MultiLayerNetwork network = network(problem);
        Nd4j.getRandom().setSeed(11);
        network.addListeners(new StepSizeListener());
        fit.accept(network);
        assertNotNull(StepSizes.lastRecord(network));
        return network.params().dup();
    }

    @Test
    void everyFitTakesTheSameSteps() {
        for (Problem problem : List.of(Problem.MLP_DROPOUT_L2, Problem.CNN_BATCH_NORM_DROPOUT)) {
            INDArray expected = parameters(problem, network ->
                    network.fit(new ExistingDataSetIterator(batches(problem)), EPOCHS));
            List<Consumer<MultiLayerNetwork>> loops = List.of(
                    network -> network.fit(new AsyncDataSetIterator(new ExistingDataSetIterator(batches(problem))), EPOCHS),
                    network -> epochs(network, () -> batches(problem).forEach(network::fit)),
                    network -> epochs(network, () -> batches(problem).forEach(
                            batch -> network.fit(batch.getFeatures(), batch.getLabels()))),
                    network -> epochs(network, () -> batches(problem).forEach(
                            batch -> network.fit(batch.toMultiDataSet()))));
            for (int i = 0; i < loops.size(); i++) {
                assertEquals(0.0, ForwardPassTest.maxDifference(expected, parameters(problem, loops.get(i))), problem + " " + i);
            }
        }
    }

    private static void epochs(MultiLayerNetwork network, Runnable epoch) {
        for (int i = 0; i < EPOCHS; i++) {
            epoch.run();
            network.incrementEpochCount();
        }
    }

    @Test
    void aGraphAndItsLayersTakeTheSameSteps() {
        MultiLayerNetwork layers = network(Problem.MLP_CLIPPED);
        ComputationGraph graph = layers.toComputationGraph();
        layers.addListeners(new StepSizeListener());
        graph.addListeners(new StepSizeListener());
        layers.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
        graph.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
        assertEquals(0.0, ForwardPassTest.maxDifference(layers.params(), graph.params()));
    }

    @Test
    void earlyStoppingTrains() {
        DataSetIterator train = examples();
        DataSetIterator test = examples();
        MultiLayerNetwork network = network(Problem.MLP_CLIPPED);
        network.addListeners(new StepSizeListener());
        INDArray start = network.params().dup();
        EarlyStoppingConfiguration<MultiLayerNetwork> layers = new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                .scoreCalculator(new DataSetLossCalculator(test, true)).modelSaver(new InMemoryModelSaver<>()).build();
        MultiLayerNetwork best = new EarlyStoppingTrainer(layers, network, train).fit().getBestModel();
        assertTrue(ForwardPassTest.maxDifference(start, best.params()) > 0);

        ComputationGraph graph = network(Problem.MLP_CLIPPED).toComputationGraph();
        graph.addListeners(new StepSizeListener());
        EarlyStoppingConfiguration<ComputationGraph> graphs = new EarlyStoppingConfiguration.Builder<ComputationGraph>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                .scoreCalculator(new DataSetLossCalculator(test, true)).modelSaver(new InMemoryModelSaver<>()).build();
        ComputationGraph bestGraph = new EarlyStoppingGraphTrainer(graphs, graph, train).fit().getBestModel();
        assertTrue(ForwardPassTest.maxDifference(start, bestGraph.params()) > 0);
    }

    /** As README says: the score of each epoch is that of the average, and the best network has it. */
    @Test
    void earlyStoppingOnTheAverage() {
        DataSetLossCalculator calculator = new DataSetLossCalculator(examples(), true) {
            @Override
            public double calculateScore(Model model) {
                return super.calculateScore(StepSizes.averaged(model));
            }
        };
        EarlyStoppingResult<MultiLayerNetwork> result =
                stoppedEarly(LabPalUpdater.builder().averaging(true).build(), calculator);
        double score = Collections.min(result.getScoreVsEpoch().values());
        assertEquals(score, calculator.calculateScore(result.getBestModel()), 1e-9);
        assertNotEquals(score, new DataSetLossCalculator(examples(), true).calculateScore(result.getBestModel()), 1e-9);
    }

    /** The network itself is the average then. */
    @Test
    void earlyStoppingWithAuto() {
        EarlyStoppingResult<MultiLayerNetwork> result =
                stoppedEarly(new AutoUpdater(), new DataSetLossCalculator(examples(), true));
        MultiLayerNetwork best = result.getBestModel();
        assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(best).params(), best.params()));
        assertEquals(Collections.min(result.getScoreVsEpoch().values()),
                new DataSetLossCalculator(examples(), true).calculateScore(best), 1e-9);
    }

    private static DataSetIterator examples() {
        return new ListDataSetIterator<>(DataSet.merge(batches(Problem.MLP_CLIPPED)).asList(), 8);
    }

    private static EarlyStoppingResult<MultiLayerNetwork> stoppedEarly(StepSizeUpdater updater,
                                                                       DataSetLossCalculator calculator) {
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(updater, DataType.FLOAT);
        network.setListeners(new StepSizeListener());
        EarlyStoppingConfiguration<MultiLayerNetwork> configuration =
                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .epochTerminationConditions(new MaxEpochsTerminationCondition(5))
                        .scoreCalculator(calculator).modelSaver(new InMemoryModelSaver<>()).build();
        return new EarlyStoppingTrainer(configuration, network, examples()).fit();
    }

    @Test
    void otherListenersBeforeAndAfterChangeNothing(@TempDir Path folder) {
        INDArray expected = parameters(Problem.MLP_CLIPPED, network ->
                network.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS));
        for (boolean first : new boolean[]{true, false}) {
            MultiLayerNetwork network = network(Problem.MLP_CLIPPED);
            CheckpointListener checkpoints = new CheckpointListener.Builder(folder.resolve("" + first).toFile())
                    .saveEveryNIterations(2).keepAll().build();
            EvaluativeListener evaluation = new EvaluativeListener(
                    new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), 3);
            PerformanceListener performance = new PerformanceListener(2, true);
            assertTrue(folder.resolve("" + first).toFile().exists() || folder.resolve("" + first).toFile().mkdirs());
            if (first) {
                network.setListeners(new StepSizeListener(), checkpoints, evaluation, performance);
            } else {
                network.setListeners(checkpoints, evaluation, performance, new StepSizeListener());
            }
            network.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
            assertEquals(0.0, ForwardPassTest.maxDifference(expected, network.params()), "ours first: " + first);
        }
    }

    /** DL4J's setListeners removes it: the next iteration must not search with what belongs to an earlier one. */
    @Test
    void aListenerThatIsRemovedIsMissed() {
        for (Problem problem : List.of(Problem.MLP_CLIPPED, Problem.RESIDUAL_GRAPH)) {
            Model network = problem.network(new PalUpdater(), DataType.FLOAT);
            network.setListeners(new StepSizeListener());
            problem.fit(network, 2);
            network.setListeners(new ScoreIterationListener(10));
            INDArray before = network.params().dup();
            String message = assertThrows(IllegalStateException.class, () -> problem.fit(network, 1)).getMessage();
            assertTrue(message.contains("PalUpdater needs a StepSizeListener"), message);
            assertEquals(0.0, ForwardPassTest.maxDifference(before, network.params()));
            network.addListeners(new StepSizeListener());
            problem.fit(network, 1);
            assertTrue(ForwardPassTest.maxDifference(before, network.params()) > 0);
        }
    }

    /** An updater state of zeros is that of a training that begins, and so is its mean with that of another training. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void aStateOfZerosBeginsAnew(double part) {
        for (StepSizeUpdater updater : List.of(new AutoUpdater(), new FanUpdater(), new LabPalUpdater(), new L4Updater(),
                SlsUpdater.builder().base(new Adam()).averaging(true).build(),
                // Whose state does not begin with zeros.
                SlsUpdater.builder().base(new AdaGrad()).build())) {
            MultiLayerNetwork trained = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(updater, DataType.FLOAT);
            trained.setListeners(new StepSizeListener());
            trained.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
            trained.getUpdater().getStateViewArray().muli(part);
            MultiLayerNetwork fresh = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(updater, DataType.FLOAT);
            fresh.setParams(trained.params());
            fresh.setListeners(new StepSizeListener());
            for (MultiLayerNetwork network : List.of(trained, fresh)) {
                network.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
            }
            assertEquals(0.0, ForwardPassTest.maxDifference(fresh.params(), trained.params()), updater.toString());
            assertEquals(StepSizes.lastRecord(fresh).stepSize(), StepSizes.lastRecord(trained).stepSize());
        }
    }

    /** Of many workers, where the mean of ones is not quite 1. */
    @Test
    void aMeanOfEqualStatesIsThatState() {
        for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
            for (int workers : new int[]{2, 6, 10, 49}) {
                double[] steps = new double[2];
                for (boolean mean : new boolean[]{false, true}) {
                    Model network = Problem.MLP_CLIPPED.network(new AutoUpdater(), type);
                    network.setListeners(new StepSizeListener());
                    Problem.MLP_CLIPPED.fit(network, 5);
                    if (mean) {
                        INDArray state = ((MultiLayerNetwork) network).getUpdater().getStateViewArray();
                        List<INDArray> states = new ArrayList<>();
                        for (int i = 0; i < workers; i++) {
                            states.add(state.dup());
                        }
                        Nd4j.averageAndPropagate(states);
                        state.assign(states.get(0));
                    }
                    Problem.MLP_CLIPPED.fit(network, 1);
                    steps[mean ? 1 : 0] = StepSizes.lastRecord(network).stepSize();
                }
                assertEquals(steps[0], steps[1], 1e-5 * steps[0], workers + " workers, " + type);
            }
        }
    }

    /** For which DL4J makes a new network updater, after the step and before our listener hears of it. */
    @Test
    void aLearningRateThatAListenerSetsIsNoticed() {
        StepSizeUpdater updater = LabPalUpdater.builder().averaging(true).build();
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(8).updater(new Sgd(0.1)).build())
                .layer(Problem.classes(4).build()).build());
        network.init();
        List<INDArray> iterates = new ArrayList<>();
        network.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                network.setLearningRate(0, 0.1 / (iteration + 1));
                iterates.add(network.params().dup());
            }
        }, new StepSizeListener());
        network.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), 1);
        assertEquals(BATCHES, iterates.size());
        INDArray average = StepSizes.averaged(network).getParam("1_W");
        assertTrue(ForwardPassTest.maxDifference(average, network.getParam("1_W")) > 0, "an average was taken");
    }

    /** Where DL4J's fit is not called, the listener hears of the backward pass all the same. */
    @Test
    void aLoopByHandTakesTheSameSteps() {
        MultiLayerNetwork fitted = network(Problem.MLP_CLIPPED);
        MultiLayerNetwork byHand = network(Problem.MLP_CLIPPED);
        DataSet batch = batches(Problem.MLP_CLIPPED).get(0);
        for (MultiLayerNetwork network : List.of(fitted, byHand)) {
            network.setListeners(new StepSizeListener());
            network.fit(batch);
        }
        for (int i = 1; i < 4; i++) {
            fitted.fit(batch);
            byHand.setInput(batch.getFeatures());
            byHand.setLabels(batch.getLabels());
            byHand.computeGradientAndScore();
            byHand.getUpdater().update(byHand, byHand.gradient(), i, 0, batch.numExamples(), LayerWorkspaceMgr.noWorkspaces());
            byHand.params().subi(byHand.getGradientsViewArray().reshape(byHand.numParams()));
        }
        assertEquals(0.0, ForwardPassTest.maxDifference(fitted.params(), byHand.params()));
    }

    @Test
    void aListenerHearsOfEveryStep() {
        List<StepRecord> records = Collections.synchronizedList(new ArrayList<>());
        List<StepRecord> heardByASecond = new ArrayList<>();
        MultiLayerNetwork network = network(Problem.MLP_CLIPPED);
        network.setListeners(new StepSizeListener().onStep(records::add).onStep(heardByASecond::add));
        network.fit(new ExistingDataSetIterator(batches(Problem.MLP_CLIPPED)), EPOCHS);
        assertEquals(records, heardByASecond);
        assertEquals(BATCHES * EPOCHS, records.size());
        for (int i = 0; i < records.size(); i++) {
            assertEquals(i, records.get(i).iteration());
            assertEquals(i / BATCHES, records.get(i).epoch());
        }
    }

    @Test
    void networksTrainInTwoThreadsAsTheyDoOneAfterTheOther() throws Exception {
        StepSizeListener shared = new StepSizeListener();
        for (StepSizeListener[] listeners : new StepSizeListener[][]{
                {new StepSizeListener(), new StepSizeListener()}, {shared, shared}}) {
            List<Callable<INDArray>> runs = new ArrayList<>();
            // One updater object in both networks, too.
            StepSizeUpdater updater = updater();
            for (int run = 0; run < 2; run++) {
                StepSizeListener listener = listeners[run];
                // Not 0, which ND4J takes as "any seed".
                int seed = run + 1;
                runs.add(() -> {
                    MultiLayerNetwork network = (MultiLayerNetwork) Problem.MLP_DROPOUT_L2.network(updater, DataType.FLOAT);
                    network.addListeners(listener);
                    Nd4j.getRandom().setSeed(seed);
                    network.fit(new ExistingDataSetIterator(batches(Problem.MLP_DROPOUT_L2)), 10);
                    return network.params().dup();
                });
            }
            INDArray first = runs.get(0).call();
            INDArray second = runs.get(1).call();
            ExecutorService threads = Executors.newFixedThreadPool(2);
            List<Future<INDArray>> parallel = threads.invokeAll(runs);
            threads.shutdown();
            assertEquals(0.0, ForwardPassTest.maxDifference(first, parallel.get(0).get()));
            assertEquals(0.0, ForwardPassTest.maxDifference(second, parallel.get(1).get()));
        }
    }

    @Test
    void twoWorkersAverageTheirSearches() {
        for (Model model : List.of((Model) network(Problem.MLP_CLIPPED), network(Problem.MLP_CLIPPED).toComputationGraph())) {
            List<DataSet> data = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                data.addAll(batches(Problem.MLP_CLIPPED));
            }
            double before = score(model, data);
            List<StepRecord> records = Collections.synchronizedList(new ArrayList<>());
            ParallelWrapper wrapper = new ParallelWrapper.Builder<>(model).workers(2).averagingFrequency(3)
                    .averageUpdaters(true).prefetchBuffer(2).build();
            wrapper.setListeners(new StepSizeListener().onStep(records::add));
            wrapper.fit(new ExistingDataSetIterator(data));
            wrapper.shutdown();
            assertEquals(data.size(), records.size());
            assertTrue(score(model, data) < before, score(model, data) + " after " + before);
        }
    }

    /** DL4J gives a graph the mean of the workers' updater states, and a MultiLayerNetwork none. */
    @Test
    void twoWorkersAverageTheirAverages() {
        List<DataSet> data = batches(Problem.MLP_CLIPPED);
        MultiLayerNetwork layers = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(new AutoUpdater(), DataType.FLOAT);
        ComputationGraph graph = layers.toComputationGraph();
        for (Model model : List.of(layers, graph)) {
            ParallelWrapper wrapper = new ParallelWrapper.Builder<>(model).workers(2).averagingFrequency(1)
                    .averageUpdaters(true).prefetchBuffer(2).build();
            wrapper.setListeners(new StepSizeListener());
            wrapper.fit(new ExistingDataSetIterator(data));
            wrapper.shutdown();
            model.setListeners(new StepSizeListener());
        }
        assertNotEquals(graph.params(), StepSizes.averaged(graph).params());
        String message = assertThrows(IllegalStateException.class, () -> StepSizes.averaged(layers)).getMessage();
        assertTrue(message.contains("toComputationGraph"), message);
    }

    /** Averaging every sixth iteration, two workers get as far with LABPAL as with Adam. */
    @Test
    void twoWorkersAreAsAccurateAsWithAdam() throws Exception {
        Digits digits = Digits.load();
        double adam = accuracyOfTwoWorkers(digits, new Adam(1e-2));
        double labpal = accuracyOfTwoWorkers(digits, new LabPalUpdater());
        assertTrue(adam > 0.9, "Adam: " + adam);
        assertTrue(labpal > adam - Digits.NOISE, "LABPAL: " + labpal + ", Adam: " + adam);
    }

    private static double accuracyOfTwoWorkers(Digits digits, IUpdater updater) {
        // After twelve LABPAL is 0.02 behind, and which worker gets which batch decides about as much again.
        int epochs = 24;
        MultiLayerNetwork network = new MultiLayerNetwork(Digits.network(updater));
        network.init();
        ParallelWrapper wrapper = new ParallelWrapper.Builder<>(network).workers(2).averagingFrequency(6)
                .averageUpdaters(true).prefetchBuffer(2).build();
        wrapper.setListeners(new StepSizeListener());
        for (int epoch = 0; epoch < epochs; epoch++) {
            wrapper.fit(new ListDataSetIterator<>(digits.train.asList(), 32));
        }
        wrapper.shutdown();
        return network.evaluate(new ListDataSetIterator<>(digits.test.asList(), 100)).accuracy();
    }

    static double score(Model model, List<DataSet> data) {
        DataSet all = DataSet.merge(data);
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).score(all)
                : ((ComputationGraph) model).score(all);
    }
}
