package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** LABPAL on linear regression, whose loss is a parabola along every line: the minimum it measures is the true one. */
class MeasurementTest {

    private static final int INPUTS = 6;
    private static final int BATCHES = 10;

    @ParameterizedTest
    @CsvSource({"DOUBLE, GRADIENT, 1e-6", "FLOAT, GRADIENT, 1e-3", "DOUBLE, PUBLISHED, 1e-6"})
    void findsTheMinimum(DataType type, LabPalUpdater.Measurement measurement, double tolerance) {
        boolean published = measurement == LabPalUpdater.Measurement.PUBLISHED;
        LabPalUpdater.Builder settings = published ? LabPalUpdater.published() : LabPalUpdater.builder();
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(3).dataType(type)
                .updater(settings.stepAdaptation(1).maxStep(100).approximationBatches(BATCHES).build()).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(INPUTS).nOut(1).activation(Activation.IDENTITY).build())
                .build());
        network.init();
        network.addListeners(new StepSizeListener());
        double expected = distanceToMinimum(network.params().toDoubleVector());
        for (int batch = 0; batch < BATCHES; batch++) {
            network.fit(array(x(batch), type), array(y(batch), type));
        }
        // numpy.gradient twice: 2 s_min - h.
        double measured = StepSizes.lastRecord(network).stepSize();
        assertEquals(published ? 2 * expected - 0.000177 : expected, measured, tolerance * expected);
        assertTrue(expected > 0.01, "a distance worth measuring: " + expected);
    }

    private static double[][] x(int batch) {
        Random random = new Random(batch);
        double[][] x = new double[32][INPUTS];
        for (double[] row : x) {
            for (int j = 0; j < INPUTS; j++) {
                // Numbers that single precision holds exactly.
                row[j] = (float) random.nextGaussian();
            }
        }
        return x;
    }

    private static double[][] y(int batch) {
        Random random = new Random(1000 + batch);
        double[][] x = x(batch);
        double[][] y = new double[32][1];
        for (int i = 0; i < 32; i++) {
            y[i][0] = (float) (x[i][0] - 2 * x[i][3] + 0.5 + 0.3 * random.nextGaussian());
        }
        return y;
    }

    private static INDArray array(double[][] values, DataType type) {
        return org.nd4j.linalg.factory.Nd4j.createFromArray(values).castTo(type);
    }

    /** From the parameters w, b along the first batch's gradient to the minimum of all batches' mean squared error. */
    private static double distanceToMinimum(double[] parameters) {
        double[] d = gradient(parameters, 0);
        double norm = 0;
        for (double v : d) {
            norm += v * v;
        }
        norm = Math.sqrt(norm);
        double slope = 0;
        double curvature = 0;
        for (int batch = 0; batch < BATCHES; batch++) {
            double[] g = gradient(parameters, batch);
            for (int j = 0; j < d.length; j++) {
                slope += g[j] * d[j] / norm / BATCHES;
            }
            for (double[] row : x(batch)) {
                double along = output(row, d) / norm;
                curvature += 2 * along * along / 32 / BATCHES;
            }
        }
        return slope / curvature;
    }

    private static double[] gradient(double[] parameters, int batch) {
        double[] gradient = new double[INPUTS + 1];
        double[][] x = x(batch);
        double[][] y = y(batch);
        for (int i = 0; i < x.length; i++) {
            double error = 2 * (output(x[i], parameters) - y[i][0]) / x.length;
            for (int j = 0; j < INPUTS; j++) {
                gradient[j] += error * x[i][j];
            }
            gradient[INPUTS] += error;
        }
        return gradient;
    }

    private static double output(double[] row, double[] parameters) {
        double sum = parameters[INPUTS];
        for (int j = 0; j < INPUTS; j++) {
            sum += row[j] * parameters[j];
        }
        return sum;
    }
}
