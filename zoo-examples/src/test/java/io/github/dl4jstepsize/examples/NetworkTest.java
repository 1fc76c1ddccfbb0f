package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.nio.file.Path;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

class NetworkTest {

    @TempDir
    Path directory;

    /** The network has dropout: without the position in the random numbers its masks would be others. */
    @Test
    void aSavedNetworkGoesOnWithTheSameRandomNumbers() {
        DataSet batch = CompareCommandTest.noise(16);
        TrainTest data = new TrainTest(batch, batch);
        Network network = new Network(Networks.convolutional(data, Updaters.named("pal", 1), 1));
        network.fit(batch);
        Path file = directory.resolve("model.zip");
        network.save(file);
        network.fit(batch);
        INDArray uninterrupted = network.model().params().dup();

        Nd4j.getRandom().setSeed(7);
        Network resumed = Network.load(file);
        resumed.fit(batch);
        assertEquals(uninterrupted, resumed.model().params());

        Network astray = Network.load(file);
        Nd4j.getRandom().setSeed(7);
        astray.fit(batch);
        assertNotEquals(uninterrupted, astray.model().params(), "the random numbers matter here");
    }
}
