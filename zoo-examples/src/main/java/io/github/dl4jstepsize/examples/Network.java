package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.StepRecord;
import io.github.dl4jstepsize.StepSizeListener;
import io.github.dl4jstepsize.StepSizes;
import org.deeplearning4j.datasets.iterator.EarlyTerminationDataSetIterator;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.NeuralNetwork;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** What MultiLayerNetwork and ComputationGraph have in common, but DL4J has no type for. */
final class Network {

    /** Enough to know means and variances of activations to a percent or two. */
    private static final int STATISTICS_EXAMPLES = 2000;

    private static final String RANDOM_STREAM = "randomStream";

    private final Model model;
    private final NeuralNetwork trainer;
    private final List<TrainingListener> listeners = new ArrayList<>();
    private final StepSizeListener stepSizes = new StepSizeListener();

    Network(Model model) {
        this.model = model;
        this.trainer = (NeuralNetwork) model;
        addListener(stepSizes);
    }

    /**
     * ND4J's random numbers go on from where they were if {@link #save} has written the file.
     *
     * @throws InputException if there is no such file, or no network in it that was saved with ModelSerializer
     */
    static Network load(Path file) {
        if (!Files.isReadable(file)) {
            throw new InputException("there is no file " + file + " that can be read");
        }
        try {
            Model model = isGraph(file) ? ModelSerializer.restoreComputationGraph(file.toFile(), true)
                    : ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
            if (ModelSerializer.listObjectsInFile(file.toFile()).contains(RANDOM_STREAM)) {
                long[] states = ModelSerializer.getObjectFromFile(file.toFile(), RANDOM_STREAM);
                Nd4j.getRandom().setStates(states[0], states[1]);
            }
            return new Network(model);
        } catch (IOException | RuntimeException e) {
            throw new InputException(file + " holds no network of Deeplearning4j", e);
        }
    }

    private static boolean isGraph(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ZipEntry configuration = zip.getEntry(ModelSerializer.CONFIGURATION_JSON);
            if (configuration == null) {
                throw new IOException("it has no " + ModelSerializer.CONFIGURATION_JSON);
            }
            String json = new String(zip.getInputStream(configuration).readAllBytes(), StandardCharsets.UTF_8);
            return json.contains("\"vertexInputs\"");
        }
    }

    /**
     * Saves everything that training needs to go on, the position in ND4J's random numbers included, from which dropout
     * masks come; a file that is there is replaced in one piece.
     */
    void save(Path file) {
        try {
            Path incomplete = file.resolveSibling(file.getFileName() + ".incomplete");
            ModelSerializer.writeModel(model, incomplete.toFile(), true);
            Random random = Nd4j.getRandom();
            ModelSerializer.addObjectToFile(incomplete.toFile(), RANDOM_STREAM,
                    new long[]{random.rootState(), random.nodeState()});
            Files.move(incomplete, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new InputException(file + " cannot be written", e);
        }
    }

    /** Lets the steps of our updaters fall linearly to 0 until then. */
    void decayUntil(int iterations) {
        stepSizes.iterations(iterations);
    }

    /** A copy with the average of the iterates, and BatchNormalization's statistics as measured on some of the data. */
    Network averaged(DataSetIterator train) {
        int batches = Math.max(1, STATISTICS_EXAMPLES / train.batch());
        return new Network(StepSizes.averaged(model, new EarlyTerminationDataSetIterator(train, batches)));
    }

    Model model() {
        return model;
    }

    void addListener(TrainingListener listener) {
        model.addListeners(listener);
        listeners.add(listener);
    }

    /** One epoch. */
    void fit(DataSetIterator epoch) {
        trainer.fit(epoch);
    }

    /** One batch. */
    void fit(DataSet batch) {
        trainer.fit(batch);
    }

    double accuracy(DataSetIterator data) {
        return evaluate(data, new Evaluation()).accuracy();
    }

    Evaluation evaluate(DataSetIterator data, Evaluation evaluation) {
        trainer.doEvaluation(data, evaluation);
        return evaluation;
    }

    double rSquared(DataSetIterator data) {
        RegressionEvaluation evaluation = new RegressionEvaluation();
        trainer.doEvaluation(data, evaluation);
        return evaluation.averageRSquared();
    }

    double loss(DataSet data) {
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).score(data)
                : ((ComputationGraph) model).score(data);
    }

    /** What DL4J does when an epoch begins, for loops that fit batch by batch. */
    void startEpoch() {
        listeners.forEach(listener -> listener.onEpochStart(model));
    }

    /** What DL4J does when an epoch is over, for loops that fit batch by batch. */
    void endEpoch() {
        listeners.forEach(listener -> listener.onEpochEnd(model));
        if (model instanceof MultiLayerNetwork) {
            ((MultiLayerNetwork) model).incrementEpochCount();
        } else {
            ((ComputationGraph) model).incrementEpochCount();
        }
    }

    /** Of the first parameters that are trained: to frozen ones DL4J gives one that does nothing. */
    IUpdater updater() {
        return Arrays.stream(layers(model)).filter(layer -> layer.numParams() > 0)
                .flatMap(layer -> layer.paramTable().keySet().stream().map(layer.getConfig()::getUpdaterByParam))
                .filter(updater -> !(updater instanceof NoOp)).findFirst().orElseThrow();
    }

    static Layer[] layers(Model model) {
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).getLayers()
                : ((ComputationGraph) model).getLayers();
    }

    int epochs() {
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).getEpochCount()
                : ((ComputationGraph) model).getEpochCount();
    }

    /** Of the last batch, before its step. */
    double loss() {
        return model.score();
    }

    /** The record of the last iteration; null for DL4J's updaters. */
    StepRecord lastRecord() {
        return StepSizes.lastRecord(model);
    }

    /** The method's own step size, or the learning rate of DL4J's updaters. */
    double stepSize() {
        StepRecord record = lastRecord();
        return record == null ? learningRate() : record.stepSize();
    }

    /** What DL4J's updaters will take in the next iteration. */
    double learningRate() {
        Double learningRate;
        if (model instanceof MultiLayerNetwork) {
            MultiLayerNetwork network = (MultiLayerNetwork) model;
            learningRate = network.getLearningRate(network.getnLayers() - 1);
        } else {
            ComputationGraph network = (ComputationGraph) model;
            learningRate = network.getLearningRate(network.getConfiguration().getNetworkOutputs().get(0));
        }
        return learningRate == null ? Double.NaN : learningRate;
    }
}
