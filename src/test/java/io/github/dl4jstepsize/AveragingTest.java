package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.constraint.BaseConstraint;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The average of the iterates beside the parameters. */
class AveragingTest {

    /** In an epoch. */
    private static final int BATCHES = 5;

    private static StepSizeUpdater updater() {
        return L4Updater.builder().averaging(true).build();
    }

    private static Model network(Problem problem, IUpdater updater, DataType type) {
        Model network = problem.network(updater, type);
        network.setListeners(List.of(new StepSizeListener()));
        return network;
    }

    private static List<DataSet> images(int from, int count) {
        List<DataSet> batches = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            MultiDataSet batch = Problem.CNN_BATCH_NORM_DROPOUT.batch(i, 16, DataType.DOUBLE);
            batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        return batches;
    }

    /** The formula in doubles, for networks with one block of parameters and with several. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "CNN_BATCH_NORM_DROPOUT", "RESIDUAL_GRAPH"})
    void isTheWeightedMeanOfTheIterates(Problem problem) {
        Model network = network(problem, updater(), DataType.DOUBLE);
        INDArray expected = null;
        for (int t = 1; t <= 25; t++) {
            problem.fit(network, 1);
            double weight = Math.min(1, 9.0 / (t + 8));
            expected = expected == null ? network.params().dup()
                    : expected.add(network.params().sub(expected).mul(weight));
        }
        Model expectedNetwork = network(problem, updater(), DataType.DOUBLE);
        expectedNetwork.setParams(expected);
        INDArray before = network.params().dup();
        Model averaged = StepSizes.averaged(network);
        assertEquals(before, network.params(), "the original is not touched");
        assertEquals(List.of(1, 0), List.of(listeners(network), listeners(averaged)));
        Map<String, INDArray> wanted = expectedNetwork.paramTable();
        Map<String, INDArray> present = network.paramTable();
        averaged.paramTable().forEach((name, values) -> {
            INDArray reference = (BatchNormStatistics.isStatistic(name) ? present : wanted).get(name);
            assertTrue(values.distance2(reference) <= 1e-12 * (1 + reference.norm2Number().doubleValue()), name);
        });
        assertTrue(averaged.params().distance2(before) > 1e-6, "an average is not the last iterate");
    }

    private static int listeners(Model network) {
        return network instanceof MultiLayerNetwork ? ((MultiLayerNetwork) network).getListeners().size()
                : ((ComputationGraph) network).getListeners().size();
    }

    /** Later in a training, the iterates between two that are looked at count as the second one. */
    @Test
    void looksAtFewerIteratesAsTrainingGoesOn() {
        Model network = network(Problem.MLP_CLIPPED, updater(), DataType.DOUBLE);
        INDArray expected = network.params().dup();
        int last = 0;
        int looks = 0;
        for (int t = 1; t <= 500; t++) {
            Problem.MLP_CLIPPED.fit(network, 1);
            int gap = Math.min(8, 1 + t / 100);
            if (t - last >= gap) {
                for (int each = last + 1; each <= t; each++) {
                    expected.addi(network.params().sub(expected).mul(Math.min(1, 9.0 / (each + 8))));
                }
                last = t;
                looks++;
            }
        }
        assertTrue(looks < 250, "looked at " + looks);
        INDArray averaged = StepSizes.averaged(network).params();
        double distance = averaged.distance2(expected);
        assertTrue(distance < 1e-10 * expected.norm2Number().doubleValue(), "" + distance);
    }

    /** Each segment of a sequence makes an update, and all of them count alike. */
    @Test
    void measuresTheStatisticsOfSegments() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE).seed(1)
                .updater(updater()).list()
                .layer(new DenseLayer.Builder().nOut(3).activation(Activation.IDENTITY).build())
                .layer(new BatchNormalization())
                .layer(Problem.recurrentClasses(4).build())
                .setInputType(InputType.recurrent(3)).tBPTTLength(2).backpropType(BackpropType.TruncatedBPTT).build());
        network.init();
        network.setListeners(new StepSizeListener());
        List<DataSet> data = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            MultiDataSet batch = Problem.sequences(i, 8, 3, 4, 6, DataType.DOUBLE);
            data.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        network.fit(data.get(0));
        MultiLayerNetwork averaged = StepSizes.averaged(network, new ExistingDataSetIterator(data));
        INDArray meanInput = DataSet.merge(data).getFeatures().mean(0, 2).reshape(1, 3);
        INDArray expected = meanInput.mmul(averaged.getParam("0_W")).add(averaged.getParam("0_b"));
        assertEquals(0, ForwardPassTest.maxDifference(expected, averaged.getParam("1_mean")), 1e-6);
    }

    /** With statistics measured on the very batch that is evaluated, evaluation and training normalise alike. */
    @Test
    void measuresTheStatisticsOfBatchNormalization() {
        MultiLayerNetwork network =
                (MultiLayerNetwork) network(Problem.CNN_BATCH_NORM_DROPOUT, updater(), DataType.DOUBLE);
        network.fit(new ExistingDataSetIterator(images(0, 20)));
        List<DataSet> data = images(20, 5);
        MultiLayerNetwork averaged = StepSizes.averaged(network, new ExistingDataSetIterator(data));

        // The convolution before the BatchNormalization is the same in both modes: its outputs' moments are known.
        INDArray mean = null;
        INDArray variance = null;
        for (DataSet batch : data) {
            INDArray activations = averaged.feedForwardToLayer(0, batch.getFeatures(), false).get(1);
            INDArray batchMean = activations.mean(0, 2, 3);
            INDArray batchVariance = activations.var(false, 0, 2, 3);
            mean = mean == null ? batchMean : mean.add(batchMean);
            variance = variance == null ? batchVariance : variance.add(batchVariance);
        }
        assertClose(mean.div(data.size()), averaged.getParam("1_mean"));
        INDArray estimated = Transforms.exp(averaged.getParam("1_log10stdev").mul(2 * Math.log(10)));
        assertTrue(variance.div(data.size()).reshape(-1).distance2(estimated.reshape(-1))
                < 0.05 * estimated.norm2Number().doubleValue(), "variance " + variance.div(data.size()) + estimated);
        MultiLayerNetwork plain = StepSizes.averaged(network);
        plain.paramTable().forEach((name, values) -> {
            if (!BatchNormStatistics.isStatistic(name)) {
                assertEquals(values, averaged.getParam(name), "nothing else changes: " + name);
            }
        });
    }

    /** The variance of a unit that never fires is 0, of which DL4J would keep the logarithm. */
    @Test
    void unitsWithoutVarianceDoNoHarm() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater())
                .dataType(DataType.FLOAT).list()
                .layer(new DenseLayer.Builder().nIn(4).nOut(6).activation(Activation.RELU).build())
                .layer(new BatchNormalization())
                .layer(new OutputLayer.Builder(LossFunction.MSE).nOut(1).activation(Activation.IDENTITY).build())
                .setInputType(InputType.feedForward(4)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        INDArray bias = network.getParam("0_b");
        bias.putScalar(2, -1000);
        List<DataSet> data = new ArrayList<>();
        Nd4j.getRandom().setSeed(1);
        for (int i = 0; i < 4; i++) {
            data.add(new DataSet(Nd4j.rand(DataType.FLOAT, 8, 4), Nd4j.rand(DataType.FLOAT, 8, 1)));
        }
        network.fit(new ExistingDataSetIterator(data));
        MultiLayerNetwork averaged = StepSizes.averaged(network, new ExistingDataSetIterator(data));
        INDArray output = averaged.output(data.get(0).getFeatures());
        assertTrue(Double.isFinite(output.sumNumber().doubleValue()), output::toString);
    }

    /** What is left of its variance after a thousand iterations, 0.9^1000, is at the end of single precision. */
    @Test
    void inputsThatNeverVaryDoNoHarm() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).list()
                .layer(new BatchNormalization.Builder().nIn(4).nOut(4).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE).nOut(1).activation(Activation.IDENTITY).build())
                .setInputType(InputType.feedForward(4)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        Nd4j.getRandom().setSeed(1);
        DataSet data = new DataSet(Nd4j.rand(DataType.FLOAT, 8, 4), Nd4j.rand(DataType.FLOAT, 8, 1));
        data.getFeatures().getColumn(2).assign(0);
        for (int i = 0; i < 1000; i++) {
            network.fit(data);
        }
        assertTrue(network.getParam("0_log10stdev").minNumber().doubleValue() < -18);
        INDArray plain = StepSizes.averaged(network).output(data.getFeatures());
        INDArray measured = StepSizes.averaged(network, new ExistingDataSetIterator(List.of(data, data)))
                .output(data.getFeatures());
        assertEquals(0, ForwardPassTest.maxDifference(plain, measured), 1e-3);
    }

    /** DL4J's clones share the configurations of wrapped layers: measuring on a copy must not change them. */
    @Test
    void theOriginalsConfigurationIsNotTouched() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater())
                .dataType(DataType.FLOAT).list()
                .layer(new LastTimeStep(new LSTM.Builder().nOut(5).activation(Activation.TANH).build()))
                .layer(new BatchNormalization())
                .layer(new OutputLayer.Builder(LossFunction.MSE).nOut(1).activation(Activation.IDENTITY).build())
                .setInputType(InputType.recurrent(3)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        List<DataSet> data = List.of(new DataSet(Nd4j.rand(DataType.FLOAT, 8, 3, 4), Nd4j.rand(DataType.FLOAT, 8, 1)));
        network.fit(data.get(0));
        for (int i = 0; i < 2; i++) {
            String before = network.getLayerWiseConfigurations().toJson();
            StepSizes.averaged(network, new ExistingDataSetIterator(data));
            assertEquals(before, network.getLayerWiseConfigurations().toJson());
            network.fit(data.get(0));
        }
    }

    private static void assertClose(INDArray expected, INDArray actual) {
        assertTrue(expected.reshape(-1).distance2(actual.reshape(-1)) < 1e-6 * (1 + expected.norm2Number().doubleValue()),
                expected + " " + actual);
    }

    static Stream<StepSizeUpdater> averaging() {
        return Stream.of(updater(), new AutoUpdater(), new ScheduleFreeUpdater());
    }

    @ParameterizedTest
    @MethodSource("averaging")
    void survivesAResume(StepSizeUpdater updater, @TempDir File directory) throws IOException {
        MultiLayerNetwork network =
                (MultiLayerNetwork) network(Problem.CNN_BATCH_NORM_DROPOUT, updater, DataType.FLOAT);
        Problem.CNN_BATCH_NORM_DROPOUT.fit(network, 7);
        File file = new File(directory, "net.zip");
        ModelSerializer.writeModel(network, file, true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file, true);
        INDArray average = StepSizes.averaged(network).params();
        assertEquals(average, StepSizes.averaged(restored).params());
        assertTrue(average.distance2(network.params()) > 1e-6, "an average is not the last iterate");
    }

    /** A method with an average of its own: in double precision the iterates follow from it and the parameters. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "CNN_BATCH_NORM_DROPOUT", "RESIDUAL_GRAPH"})
    void ofAMethodThatAveragesItself(Problem problem) {
        Model network = network(problem, new AutoUpdater(), DataType.DOUBLE);
        INDArray averageBefore = null;
        double weights = 0;
        for (int t = 1; t <= 20; t++) {
            problem.fit(network, 1);
            // y = x + 0.1 (z - x), and x moves by c (z - x). In the warm-up the step is in proportion to it.
            double weight = Math.pow(StepSizes.lastRecord(network).learningRate(), 2) * Math.sqrt(t);
            weights += weight;
            Model averaged = StepSizes.averaged(network);
            INDArray x = averaged.params();
            INDArray z = x.add(network.params().sub(x).mul(10));
            if (averageBefore != null) {
                INDArray expected = averageBefore.add(z.sub(averageBefore).mul(weight / weights));
                Model reference = network(problem, new AutoUpdater(), DataType.DOUBLE);
                reference.setParams(expected);
                reference.paramTable().forEach((name, values) -> {
                    if (!BatchNormStatistics.isStatistic(name)) {
                        assertClose(values, averaged.paramTable().get(name));
                    }
                });
            }
            averageBefore = x;
        }
    }

    /** Whoever evaluates or saves the network after an epoch has the average. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "CNN_BATCH_NORM_DROPOUT", "RESIDUAL_GRAPH", "FROZEN_BELOW"})
    void betweenEpochsANetworkIsItsAverage(Problem problem) throws IOException {
        Model network = network(problem, new AutoUpdater(), DataType.DOUBLE);
        Model batchByBatch = network(problem, new AutoUpdater(), DataType.DOUBLE);
        INDArray frozen = network.paramTable().get("0_W");
        INDArray frozenBefore = frozen == null ? null : frozen.dup();
        for (int epoch = 0; epoch < 3; epoch++) {
            Nd4j.getRandom().setSeed(1 + epoch);
            fitEpoch(network, problem, epoch);
            assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(network).params(), network.params()));
            Nd4j.getRandom().setSeed(1 + epoch);
            for (int i = 0; i < BATCHES; i++) {
                Problem.fit(batchByBatch, problem.batch(BATCHES * epoch + i, 8, DataType.DOUBLE));
            }
            Problem.endEpoch(batchByBatch);
            assertTrue(ForwardPassTest.maxDifference(batchByBatch.params(), network.params()) > 1e-5, "it moved");
            // Where gradients are tiny, Adam's quotients make roundings larger.
            assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(batchByBatch).params(), network.params()), 1e-9,
                    "it goes on as if it had not, epoch " + epoch);
            network = Problem.restored(network);
            network.addListeners(new StepSizeListener());
        }
        if (problem == Problem.FROZEN_BELOW) {
            assertEquals(0, ForwardPassTest.maxDifference(frozenBefore, network.paramTable().get("0_W")));
        }
    }

    /** Also if somebody says it twice, and after an epoch without batches. */
    @Test
    void anEpochThatHasEndedTwiceOrIsEmpty() {
        MultiLayerNetwork network = (MultiLayerNetwork) network(Problem.MLP_CLIPPED, new AutoUpdater(), DataType.DOUBLE);
        network.addListeners(new StepSizeListener());
        fitEpoch(network, Problem.MLP_CLIPPED, 0);
        INDArray average = network.params().dup();
        assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(network).params(), average));
        network.fit(new ExistingDataSetIterator(List.of()));
        assertEquals(0, ForwardPassTest.maxDifference(average, network.params()), 1e-12);
        assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(network).params(), network.params()));
    }

    /** To apply DL4J's MaxNorm twice is not the same. */
    @Test
    void twoListenersConstrainOnce() {
        INDArray[] parameters = new INDArray[2];
        for (int i = 0; i < 2; i++) {
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(new AutoUpdater())
                    .constrainWeights(new MaxNormConstraint(0.5, 0)).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.TANH).build())
                    .layer(Problem.classes(4).build()).setInputType(InputType.feedForward(12)).build());
            network.init();
            network.setListeners(new StepSizeListener());
            if (i == 1) {
                network.addListeners(new StepSizeListener());
            }
            fitEpoch(network, Problem.MLP_CLIPPED, 0);
            parameters[i] = network.params();
        }
        assertEquals(0, ForwardPassTest.maxDifference(parameters[0], parameters[1]));
    }

    private static void fitEpoch(Model network, Problem problem, int epoch) {
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            MultiDataSet batch = problem.batch(BATCHES * epoch + i, 8, DataType.DOUBLE);
            batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        if (network instanceof MultiLayerNetwork) {
            ((MultiLayerNetwork) network).fit(new ExistingDataSetIterator(batches));
        } else {
            ((ComputationGraph) network).fit(new ExistingDataSetIterator(batches));
        }
    }

    /** Where the listener knows the length, the network itself ends at the average, also if batches are passed one by one. */
    @Test
    void ofAutoInATrainingOfKnownLength() {
        Model network = network(Problem.MLP_CLIPPED, new AutoUpdater(), DataType.FLOAT);
        double[] apart = new double[6];
        network.setListeners(new StepSizeListener().epochs(4));
        for (int i = 0; i < apart.length; i++) {
            Problem.MLP_CLIPPED.fit(network, BATCHES);
            Problem.endEpoch(network);
            apart[i] = ForwardPassTest.maxDifference(network.params(), StepSizes.averaged(network).params());
        }
        assertTrue(apart[0] > 0 && apart[2] > 0, Arrays.toString(apart));
        assertArrayEquals(new double[3], Arrays.copyOfRange(apart, 3, 6), "at the end and beyond it");
    }

    static Stream<LayerConstraint> constraints() {
        return Stream.of(new MaxNormConstraint(1, 0), new UnitNormConstraint(0), new NonNegativeConstraint());
    }

    /** Where constraints move the parameters after a step, an average that follows from them has to take part. */
    @ParameterizedTest
    @MethodSource("constraints")
    void keepsToConstraints(LayerConstraint constraint) {
        for (StepSizeUpdater updater : List.of(new AutoUpdater(), LabPalUpdater.builder().averaging(true).build())) {
            MultiLayerNetwork layers = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater)
                    .activation(Activation.TANH).constrainWeights(constraint.clone()).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).build())
                    .layer(Problem.classes(4).build()).build());
            layers.init();
            ComputationGraph graph = layers.toComputationGraph();
            for (Model network : List.of(layers, graph)) {
                network.setListeners(new StepSizeListener());
                List<MultiDataSet> epoch = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    INDArray features = Problem.random(i, DataType.FLOAT, 16, 12);
                    INDArray labels = features.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 4));
                    epoch.add(new MultiDataSet(features, labels.eq(labels.max(true, 1)).castTo(DataType.FLOAT)));
                }
                MultiDataSet merged = MultiDataSet.merge(epoch);
                List<DataSet> all = List.of(new DataSet(merged.getFeatures(0), merged.getLabels(0)));
                for (int epochs = 40; epochs <= 80; epochs += 40) {
                    for (int i = 0; i < 40; i++) {
                        epoch.forEach(batch -> Problem.fit(network, batch));
                    }
                    double loss = TrainingLoopTest.score(network, all);
                    Model averaged = StepSizes.averaged(network);
                    double lossOfAverage = TrainingLoopTest.score(averaged, all);
                    assertTrue(lossOfAverage < 1.2 * loss,
                            constraint + ", " + updater + ": " + loss + ", average " + lossOfAverage + ", epochs " + epochs);
                    INDArray weights = averaged.getParam("0_W");
                    INDArray constrained = weights.dup();
                    ((BaseConstraint) constraint).apply(constrained);
                    assertEquals(0, ForwardPassTest.maxDifference(weights, constrained), 1e-5);
                }
            }
        }
    }

    /** Between two places that alternate, one of them constrained, is the middle of what they are after the constraint. */
    @Test
    void isThatOfConstrainedIterates() {
        for (Layer layer : new Layer[]{new DenseLayer.Builder().nOut(6).build(),
                new Bidirectional(new LSTM.Builder().nOut(6).build())}) {
            boolean[] constrained = {false};
            boolean recurrent = layer instanceof Bidirectional;
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                    .dataType(DataType.DOUBLE).constrainWeights(new NonNegativeConstraint())
                    .updater(new ProbeUpdater(batch -> {
                        constrained[0] = batch.isConstrained();
                        batch.direction().assign(batch.parameters());
                        return Step.chosen(2, 2, Outcome.CONSTANT);
                    }, true)).list(layer, recurrent ? Problem.recurrentClasses(4).build() : Problem.classes(4).build())
                    .setInputType(recurrent ? InputType.recurrent(5) : InputType.feedForward(5)).build());
            network.init();
            network.setListeners(new StepSizeListener());
            String name = recurrent ? "0_fW" : "0_W";
            INDArray before = network.getParam(name).dup();
            MultiDataSet batch = recurrent ? Problem.sequences(1, 4, 5, 4, 3, DataType.DOUBLE) : new MultiDataSet(
                    Problem.random(1, DataType.DOUBLE, 4, 5), Problem.oneHot(1, DataType.DOUBLE, 4, 4));
            Problem.fit(network, batch);
            assertTrue(constrained[0]);
            INDArray after = Transforms.max(before.neg(), 0);
            assertEquals(after, network.getParam(name));
            assertEquals(after, StepSizes.averaged(network).getParam(name));
            Problem.fit(network, batch);
            assertEquals(0, network.getParam(name).amaxNumber().doubleValue());
            // The second of two iterates has the weight 9/10: see IterateAverage.
            assertEquals(0, ForwardPassTest.maxDifference(after.mul(0.1), StepSizes.averaged(network).getParam(name)), 1e-12);
        }
    }

    /** Applied twice, half of the way to the bound becomes three quarters. */
    @Test
    void doesNotApplyConstraintsToTheNetworkAgain() {
        INDArray[] parameters = new INDArray[2];
        for (boolean averaging : new boolean[]{false, true}) {
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                    .updater(PalUpdater.builder().averaging(averaging).build())
                    .constrainWeights(new MinMaxNormConstraint(0, 0.5, 0.5, 1)).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(6).build()).layer(Problem.classes(4).build()).build());
            network.init();
            network.setListeners(new StepSizeListener());
            Problem.MLP_CLIPPED.fit(network, 12);
            parameters[averaging ? 1 : 0] = network.params();
        }
        assertEquals(parameters[0], parameters[1]);
    }

    /** Nor where the network is at the average already when an epoch ends, as beyond a known length. */
    @Test
    void doesNotApplyConstraintsToAnAverageAgain() {
        int length = 12;
        StepSizeListener listener = new StepSizeListener().iterations(length);
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).constrainWeights(new MinMaxNormConstraint(0, 0.5, 0.5, 1)).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(6).build()).layer(Problem.classes(4).build()).build());
        network.init();
        network.setListeners(listener);
        Problem.MLP_CLIPPED.fit(network, length - 2);
        INDArray before = network.params().dup();
        listener.onEpochEnd(network);
        assertNotEquals(before, network.params(), "the average is elsewhere");
        Problem.MLP_CLIPPED.fit(network, 2);
        before = network.params().dup();
        listener.onEpochEnd(network);
        assertEquals(before, network.params());
    }

    /** Whoever evaluates the average in between does not change the training's masks. */
    @Test
    void leavesTheRandomStreamAlone() {
        MultiLayerNetwork network =
                (MultiLayerNetwork) network(Problem.CNN_BATCH_NORM_DROPOUT, updater(), DataType.FLOAT);
        network.fit(images(0, 1).get(0));
        RandomState before = RandomState.now();
        StepSizes.averaged(network, new ExistingDataSetIterator(images(0, 3)));
        assertTrue(RandomState.now().isSameAs(before));
    }

    /** What a method remembers belongs to the parameters with which it trained. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "RESIDUAL_GRAPH"})
    void trainsAnew(Problem problem) {
        Model network = network(problem, new AutoUpdater(), DataType.DOUBLE);
        problem.fit(network, 10);
        Model averaged = StepSizes.averaged(network);
        Model anew = network(problem, new AutoUpdater(), DataType.DOUBLE);
        anew.setParams(averaged.params());
        averaged.setListeners(List.of(new StepSizeListener()));
        assertThrows(IllegalStateException.class, () -> StepSizes.averaged(averaged));
        for (Model model : List.of(averaged, anew)) {
            Nd4j.getRandom().setSeed(3);
            problem.fit(model, 1);
        }
        assertEquals(anew.params(), averaged.params());
    }

    static Stream<Layer> layersThatAreNoBaseLayers() {
        return Stream.of(new Bidirectional(new LSTM.Builder().nOut(6).build()),
                new SelfAttentionLayer.Builder().nOut(6).nHeads(2).projectInput(true).build(),
                // DL4J's copies share what is within it.
                new TimeDistributed(new BatchNormalization.Builder().nOut(5).decay(0.95).build(), RNNFormat.NCW),
                // Nothing of it can be told from its JSON.
                new SameDiffLambdaLayer() {
                    @Override
                    public SDVariable defineLayer(SameDiff sameDiff, SDVariable input) {
                        return input.mul(2);
                    }

                    @Override
                    public InputType getOutputType(int layerIndex, InputType inputType) {
                        return inputType;
                    }
                });
    }

    /** The statistics are measured whatever the other layers are, and nothing else moves. */
    @ParameterizedTest
    @MethodSource("layersThatAreNoBaseLayers")
    void withStatisticsBesideEveryKindOfLayer(Layer layer) {
        MultiLayerNetwork layers = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).list()
                .layer(layer)
                .layer(new GlobalPoolingLayer(PoolingType.AVG))
                .layer(new DenseLayer.Builder().nOut(6).build())
                .layer(new BatchNormalization())
                .layer(new OutputLayer.Builder(new Threefold(3)).nOut(4).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.recurrent(5)).build());
        layers.init();
        MultiDataSet batch = Problem.sequences(1, 8, 5, 4, 3, DataType.FLOAT);
        List<DataSet> all = List.of(new DataSet(batch.getFeatures(0), Problem.oneHot(1, DataType.FLOAT, 8, 4)));
        for (Model network : List.of(layers, layers.toComputationGraph())) {
            network.setListeners(new StepSizeListener());
            for (int i = 0; i < 10; i++) {
                Problem.fit(network, (MultiDataSet) all.get(0).toMultiDataSet());
            }
            double decay = layer instanceof TimeDistributed
                    ? ((BatchNormalization) ((TimeDistributed) layer).getUnderlying()).getDecay() : Double.NaN;
            Model plain = StepSizes.averaged(network);
            Model measured = StepSizes.averaged(network, new ExistingDataSetIterator(all));
            plain.paramTable().forEach((name, values) -> {
                double difference = ForwardPassTest.maxDifference(values, measured.paramTable().get(name));
                assertEquals(BatchNormStatistics.isStatistic(name), difference > 0, name + " differs by " + difference);
            });
            if (layer instanceof TimeDistributed) {
                assertEquals(decay, ((BatchNormalization) ((TimeDistributed) layer).getUnderlying()).getDecay());
            }
            assertEquals(10, iterations(plain));
            assertEquals(10, iterations(measured));
            plain.setParams(network.params());
            assertEquals(TrainingLoopTest.score(network, all), TrainingLoopTest.score(plain, all), "the loss is the network's");
        }
    }

    private static int iterations(Model network) {
        return network instanceof MultiLayerNetwork ? ((MultiLayerNetwork) network).getIterationCount()
                : ((ComputationGraph) network).getIterationCount();
    }

    /** What DL4J does to gradients concerns no statistics. */
    @Test
    void clippingDoesNotTouchTheStatistics() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(1e-3).activation(Activation.IDENTITY).list()
                .layer(new DenseLayer.Builder().nOut(6).build())
                .layer(new BatchNormalization())
                .layer(Problem.classes(4).build()).setInputType(InputType.feedForward(12)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        Problem.MLP_CLIPPED.fit(network, 3);
        INDArray features = Problem.random(1, DataType.FLOAT, 32, 12);
        MultiLayerNetwork averaged = StepSizes.averaged(network, new ExistingDataSetIterator(
                List.of(new DataSet(features, Problem.oneHot(1, DataType.FLOAT, 32, 4)))));
        assertEquals(0, ForwardPassTest.maxDifference(averaged.feedForward(features).get(1).mean(0),
                averaged.getParam("1_mean").reshape(6)), 1e-5);
    }

    /** A loss with a setting that JSON does not know of. */
    private static final class Threefold extends LossMCXENT {

        private final double factor;

        private Threefold(double factor) {
            this.factor = factor;
        }

        @Override
        public double computeScore(INDArray labels, INDArray outputs, IActivation activation, INDArray mask, boolean average) {
            return factor * super.computeScore(labels, outputs, activation, mask, average);
        }
    }

    @Test
    void twoListenersCountAnIterateOnce() {
        INDArray[] averages = new INDArray[2];
        for (int i = 0; i < averages.length; i++) {
            Model network = Problem.MLP_CLIPPED.network(PalUpdater.builder().averaging(true).build(), DataType.DOUBLE);
            network.addListeners(new StepSizeListener());
            if (i == 1) {
                network.addListeners(new StepSizeListener());
            }
            Problem.MLP_CLIPPED.fit(network, 5);
            averages[i] = StepSizes.averaged(network).params();
        }
        assertEquals(0, ForwardPassTest.maxDifference(averages[0], averages[1]));
    }

    @Test
    void withoutBatchesStatisticsCannotBeMeasured() {
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.CNN_BATCH_NORM_DROPOUT.network(new AutoUpdater(), DataType.FLOAT);
        network.setListeners(new StepSizeListener());
        MultiDataSet batch = Problem.CNN_BATCH_NORM_DROPOUT.batch(1, 8, DataType.FLOAT);
        network.fit(batch.getFeatures(0), batch.getLabels(0));
        String message = assertThrows(IllegalArgumentException.class,
                () -> StepSizes.averaged(network, new ExistingDataSetIterator(List.of()))).getMessage();
        assertTrue(message.contains("no batches"), message);
    }

    @Test
    void isRefusedWhereThereIsNone() {
        Model without = network(Problem.MLP_CLIPPED, new L4Updater(), DataType.FLOAT);
        Problem.MLP_CLIPPED.fit(without, 1);
        String message = assertThrows(IllegalStateException.class, () -> StepSizes.averaged(without)).getMessage();
        assertTrue(message.contains("averaging(true)"), message);
        Model untrained = network(Problem.MLP_CLIPPED, updater(), DataType.FLOAT);
        assertThrows(IllegalStateException.class, () -> StepSizes.averaged(untrained));
        Model auto = network(Problem.MLP_CLIPPED, new AutoUpdater(), DataType.FLOAT);
        message = assertThrows(IllegalStateException.class, () -> StepSizes.averaged(auto)).getMessage();
        assertTrue(message.contains("train it first"), message);
        Model adam = network(Problem.MLP_CLIPPED, new Adam(), DataType.FLOAT);
        assertThrows(IllegalStateException.class, () -> StepSizes.averaged(adam));
    }
}
