package io.github.dl4jstepsize.examples;

import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.ui.api.UIServer;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;

import java.io.IOException;

/** DL4J's own training UI; its chart of learning rates shows the factor on the direction that was found. */
final class TrainingUi {

    private TrainingUi() {
    }

    /** Starts the server on this machine, on port 9000 or the one in the system property org.deeplearning4j.ui.port. */
    static void show(Network network) {
        StatsStorage statistics = new InMemoryStatsStorage();
        UIServer server = UIServer.getInstance();
        server.attach(statistics);
        network.addListener(new StatsListener(statistics));
        System.out.println("DL4J's training UI: " + server.getAddress());
    }

    /** Waits for Enter, if there is somebody who can press it. */
    static void stayOpen() {
        if (System.console() == null) {
            return;
        }
        System.out.println("The training UI stays open until you press Enter.");
        try {
            System.in.read();
        } catch (IOException e) {
            throw new InputException("standard input cannot be read", e);
        }
    }
}
