package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Losses;
import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.util.FeatureUtil;

import java.util.ArrayList;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Searching on accuracies: what is measured on networks of all kinds, on which batches, and what is refused. */
class AccuracySearchTest {

    /** A step that no parameter of type FLOAT notices. */
    private static final double UNNOTICED = 1e-30;

    private double errorOfTraining;
    private double errorOfPass;
    private double loss;
    private double lossOfTraining;
    private double lossOfPass;

    /** Looks without moving. */
    private ProbeUpdater observer(Objective objective) {
        return new ProbeUpdater(batch -> {
            errorOfPass = batch.loss(UNNOTICED, batch.direction());
            errorOfTraining = batch.loss(0, batch.direction());
            loss = batch.loss();
            lossOfPass = batch.differentiated().loss(UNNOTICED, batch.direction());
            lossOfTraining = batch.differentiated().loss(0, batch.direction());
            return Step.searched(0, 0, Outcome.MEASURED);
        }, objective);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"PIXEL_CLASSES", "TWO_INPUTS_TWO_OUTPUTS"})
    void theErrorAtZeroComesFromTheTrainingPass(Problem problem) {
        for (Objective objective : new Objective[]{ClassificationError.hard(), ClassificationError.smooth(1)}) {
            ProbeUpdater observer = observer(objective);
            Model model = problem.network(observer, DataType.FLOAT);
            model.addListeners(new StepSizeListener());
            for (int i = 0; i < 3; i++) {
                Problem.fit(model, problem.batch(i, 8, DataType.FLOAT));
                assertEquals(errorOfPass, errorOfTraining, problem + " batch " + i);
                assertTrue(errorOfPass > 0 && errorOfPass <= 1, errorOfPass + " is an error");
                assertEquals(loss, lossOfPass, problem + " batch " + i);
                assertEquals(loss, lossOfTraining, problem + " batch " + i);
            }
            assertEquals(2, StepSizes.lastRecord(model).forwardPasses(), problem + ": no pass for the present parameters");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = {"PIXEL_CLASSES", "TWO_INPUTS_TWO_OUTPUTS", "TRUNCATED_.*"})
    void aKeptBatchHasTheSameErrorAndLoss(Problem problem) {
        double[] differences = new double[2];
        Model model = problem.network(new ProbeUpdater(batch -> {
            Losses kept = batch.keep();
            differences[0] = kept.loss(0, null) - batch.loss(UNNOTICED, batch.direction());
            differences[1] = kept.differentiated().loss(0, null) - batch.loss();
            return Step.searched(0, 0, Outcome.MEASURED);
        }, ClassificationError.smooth(1)), DataType.FLOAT);
        model.addListeners(new StepSizeListener());
        Problem.fit(model, problem.batch(1, 8, DataType.FLOAT));
        assertArrayEquals(new double[2], differences);
        assertEquals(3, StepSizes.lastRecord(model).forwardPasses());
    }

    @Test
    void maskedTimeStepsDoNotCount() {
        ProbeUpdater observer = observer(ClassificationError.hard());
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(observer).list()
                .layer(new LSTM.Builder().nOut(6).build()).layer(Problem.recurrentClasses(3).build())
                .setInputType(InputType.recurrent(5, 7)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        MultiDataSet batch = Problem.MASKED_LSTM.batch(1, 8, DataType.FLOAT);
        Problem.fit(network, batch);
        INDArray mask = batch.getLabelsMaskArray(0);
        INDArray output = network.output(batch.getFeatures(0), false, batch.getFeaturesMaskArray(0), mask);
        Evaluation evaluation = new Evaluation(3);
        evaluation.evalTimeSeries(batch.getLabels(0), output, mask);
        assertEquals(1 - evaluation.accuracy(), errorOfTraining, 1e-6);
    }

    @Test
    void sparseLabelsAreClasses() {
        ProbeUpdater observer = observer(ClassificationError.hard());
        MultiLayerNetwork network = network(observer, LossFunction.SPARSE_MCXENT, Activation.SOFTMAX);
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(1, 8, DataType.FLOAT);
        network.fit(batch.getFeatures(0), batch.getLabels(0).argMax(1).reshape(8, 1).castTo(DataType.FLOAT));
        Evaluation evaluation = new Evaluation(4);
        evaluation.eval(batch.getLabels(0), network.output(batch.getFeatures(0)));
        assertEquals(1 - evaluation.accuracy(), errorOfTraining, 1e-6);
    }

    @Test
    void otherOutputsThanClassificationsAreRefused() {
        AccuracySlsUpdater updater = new AccuracySlsUpdater();
        for (MultiLayerNetwork network : new MultiLayerNetwork[]{network(updater, LossFunction.MSE, Activation.IDENTITY),
                network(updater, LossFunction.MSE, Activation.SIGMOID)}) {
            MultiDataSet batch = Problem.MLP_CLIPPED.batch(1, 8, DataType.FLOAT);
            assertRefused(() -> Problem.fit(network, batch), "needs a classification");
        }
        for (Problem problem : new Problem[]{Problem.PIXEL_CLASSES, Problem.TWO_INPUTS_TWO_OUTPUTS}) {
            Model model = problem.network(updater, DataType.FLOAT);
            model.addListeners(new StepSizeListener());
            assertRefused(() -> Problem.fit(model, problem.batch(1, 8, DataType.FLOAT)), "a line search on accuracies needs");
        }
        MultiLayerNetwork regression = network(AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).build(),
                LossFunction.MSE, Activation.IDENTITY);
        Problem.fit(regression, Problem.MLP_CLIPPED.batch(1, 8, DataType.FLOAT));
        assertEquals(Outcome.ACCEPTED, StepSizes.lastRecord(regression).outcome(), "the loss will do for a regression");
    }

    private static void assertRefused(org.junit.jupiter.api.function.Executable fit, String reason) {
        String message = assertThrows(IllegalStateException.class, fit).getMessage();
        assertTrue(message.contains(reason), message);
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater, LossFunction loss, Activation activation) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(16).activation(Activation.TANH).build())
                .layer(new OutputLayer.Builder(loss).nOut(4).activation(activation).build())
                .setInputType(InputType.feedForward(12)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }

    /**
     * Where one class of ten is more frequent than the others, the way to the frequencies makes the smooth accuracy worse: the
     * frequent class stands out, and it is mostly the wrong one.
     */
    @Test
    void whatANetworkLearnsFirstMayMakeTheSmoothAccuracyWorse() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AccuracySlsUpdater()).list()
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(10).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.feedForward(1)).build());
        network.init();
        network.params().assign(0);
        network.addListeners(new StepSizeListener());
        INDArray labels = FeatureUtil.toOutcomeMatrix(new int[]{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10);
        INDArray nothing = Nd4j.zeros(DataType.FLOAT, 13, 1);
        for (int i = 0; i < 100; i++) {
            network.fit(nothing, labels);
        }
        double entropy = 4 / 13.0 * Math.log(13 / 4.0) + 9 / 13.0 * Math.log(13);
        assertEquals(entropy, network.score(new DataSet(nothing, labels)), 0.01);
    }

    /** 2 without small margins: a pass at epsilon and one at 0. 3 with them: one at 0 for the loss, too. */
    @ParameterizedTest
    @CsvSource({"ACCURACY, 2", "SMOOTH_ACCURACY, 3"})
    void anotherBatchIsTheOneBefore(AccuracySlsUpdater.Metric metric, int fixed) {
        List<StepRecord> records = train(AccuracySlsUpdater.builder().metric(metric)
                .searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER), 12);
        for (StepRecord record : records) {
            assertTrue(record.searched());
            // At 0 the first iteration, on the batch itself, has values already.
            int beforeTrials = record.iteration() == 0 ? 1 : fixed;
            assertTrue(record.outcome() == Outcome.NO_DESCENT ? record.forwardPasses() == beforeTrials
                    : record.forwardPasses() > beforeTrials, record.toString());
        }
    }

    @Test
    void aLargeBatchIsSearchedNowAndThen() {
        List<StepRecord> records = train(AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.LARGE)
                .searchEvery(10), 31);
        for (StepRecord record : records) {
            assertEquals(record.iteration() % 10 == 0, record.searched(), record.toString());
            if (!record.searched()) {
                assertEquals(0, record.forwardPasses());
                assertEquals(Outcome.REUSED, record.outcome());
            } else if (record.iteration() > 0) {
                // All earlier batches make less than 1,000 examples: each is passed at 0, at epsilon and at every trial.
                assertEquals(0, record.forwardPasses() % record.iteration(), record.toString());
                assertTrue(record.forwardPasses() >= 2 * record.iteration(), record.toString());
            }
        }
    }

    private static List<StepRecord> train(AccuracySlsUpdater.Builder builder, int iterations) {
        List<StepRecord> records = new ArrayList<>();
        MultiLayerNetwork network = network(builder.build(), LossFunction.MCXENT, Activation.SOFTMAX);
        network.setListeners(new StepSizeListener().onStep(records::add));
        for (int i = 0; i < iterations; i++) {
            Problem.fit(network, Problem.MLP_CLIPPED.batch(i, 8, DataType.FLOAT));
        }
        return records;
    }
}
