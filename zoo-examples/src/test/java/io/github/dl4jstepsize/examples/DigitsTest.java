package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

class DigitsTest {

    @Test
    void allImagesAreThere() {
        TrainTest digits = Digits.load();
        assertEquals(1437, digits.train.numExamples());
        assertEquals(360, digits.test.numExamples());
        assertEquals(64, digits.train.getFeatures().size(1));
        assertEquals(1.0, digits.train.getFeatures().maxNumber().doubleValue());
        assertEquals(0.0, digits.train.getFeatures().minNumber().doubleValue());
        // Counts of the digits 0 to 9 in the documentation of the original data set's test part.
        assertArrayEquals(new int[]{178, 182, 177, 183, 181, 182, 181, 179, 174, 180},
                digits.train.getLabels().sum(0).add(digits.test.getLabels().sum(0)).toIntVector());
    }

    @Test
    void theSplitIsAlwaysTheSame() {
        assertEquals(Digits.load().test.getFeatures(), Digits.load().test.getFeatures());
    }

    @Test
    void batchesCoverTheEpochInAnOrderOfSeedAndEpoch() {
        TrainTest digits = Digits.load();
        Batches batches = Batches.shuffled(digits.train, 100, 1, 0);
        assertEquals(15, batches.count());
        INDArray first = batches.next().getFeatures();
        double sum = first.sumNumber().doubleValue();
        int examples = 100;
        while (batches.hasNext()) {
            INDArray features = batches.next().getFeatures();
            sum += features.sumNumber().doubleValue();
            examples += features.size(0);
        }
        assertEquals(1437, examples);
        assertEquals(digits.train.getFeatures().sumNumber().doubleValue(), sum, 1e-4 * sum);
        assertEquals(first, Batches.shuffled(digits.train, 100, 1, 0).next().getFeatures());
        assertNotEquals(first, Batches.shuffled(digits.train, 100, 2, 0).next().getFeatures());
        assertNotEquals(first, Batches.shuffled(digits.train, 100, 1, 1).next().getFeatures());
    }
}
