package io.github.dl4jstepsize;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** The metrics against the thesis' Algorithm 5 in plain Java. */
class ClassificationErrorTest {

    private static final double SLOPE = 2.5;

    @Test
    void softmax() {
        Random random = new Random(1);
        int examples = 50;
        int classes = 4;
        double[][] probabilities = new double[examples][classes];
        double[][] labels = new double[examples][classes];
        double right = 0;
        double smooth = 0;
        for (int i = 0; i < examples; i++) {
            double sum = 0;
            for (int j = 0; j < classes; j++) {
                probabilities[i][j] = Math.exp(3 * random.nextGaussian());
                sum += probabilities[i][j];
            }
            int label = random.nextInt(classes);
            labels[i][label] = 1;
            double largestOther = 0;
            for (int j = 0; j < classes; j++) {
                probabilities[i][j] /= sum;
                largestOther = j == label ? largestOther : Math.max(largestOther, probabilities[i][j]);
            }
            double margin = probabilities[i][label] - largestOther;
            right += margin > 0 ? 1 : 0;
            smooth += 1 / (1 + Math.exp(-SLOPE * margin));
        }
        INDArray margins = ClassificationError.margins(Nd4j.createFromArray(labels), Nd4j.createFromArray(probabilities), true);
        assertEquals(1 - right / examples, ClassificationError.hard().mean(margins, null), 1e-12);
        assertEquals(1 - smooth / examples, ClassificationError.smooth(SLOPE).mean(margins, null), 1e-12);
    }

    @Test
    void sigmoidOutputsAreQuestionsOfTheirOwn() {
        INDArray p = Nd4j.createFromArray(new double[][]{{0.9, 0.4}, {0.2, 0.3}});
        INDArray y = Nd4j.createFromArray(new double[][]{{1, 1}, {0, 1}});
        INDArray margins = ClassificationError.margins(y, p, false);
        assertEquals(0.5, ClassificationError.hard().mean(margins, null), 1e-12);
        double smooth = 0;
        for (double margin : new double[]{0.8, -0.2, 0.6, -0.4}) {
            smooth += 1 / (1 + Math.exp(-SLOPE * margin)) / 4;
        }
        assertEquals(1 - smooth, ClassificationError.smooth(SLOPE).mean(margins, null), 1e-12);
    }

    @Test
    void maskedAnswersDoNotCount() {
        INDArray margins = Nd4j.createFromArray(new double[][]{{1, -1}, {-1, -1}, {1, -1}});
        assertEquals(0.5, ClassificationError.hard().mean(margins, Nd4j.createFromArray(new double[][]{{1}, {0}, {1}})), 1e-12);
        INDArray single = Nd4j.createFromArray(new double[][]{{1, 1}, {0, 0}, {1, 0}});
        assertEquals(1 / 3.0, ClassificationError.hard().mean(margins, single), 1e-12);
        assertEquals(0, ClassificationError.hard().mean(margins, Nd4j.zeros(DataType.DOUBLE, 3, 1)), 1e-12);
    }
}
