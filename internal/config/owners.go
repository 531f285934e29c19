package config

import (
	"os"
	"slices"

	"weir/internal/gateway"
)

// Organisation is a house with teams.
type Organisation struct {
	Name    string      `yaml:",name" is:"name"`
	Limits  ScopeLimits `yaml:"limits" doc:"Limits on all of its teams together."`
	Budgets []string    `yaml:"budgets" is:"name" doc:"Budgets that everything of its teams is charged to."`
}

// Team is who keys belong to.
type Team struct {
	Name         string      `yaml:",name" is:"name"`
	Organisation string      `yaml:"organisation" is:"name" absent:"none" doc:"Name of an organisation of this document."`
	Models       []string    `yaml:"models" is:"pattern" absent:"what its keys may" doc:"Models its keys may use at most: names, or patterns in which * stands for anything. A key with models of its own may use what both lists have."`
	Limits       ScopeLimits `yaml:"limits" doc:"Limits on all of its keys together."`
	Budgets      []string    `yaml:"budgets" is:"name" doc:"Budgets that everything of its keys is charged to."`
}

// Project is what keys are for.
type Project struct {
	Name    string      `yaml:",name" is:"name"`
	Team    string      `yaml:"team" is:"name" absent:"none" doc:"Name of the team whose it is. The project's keys are the team's."`
	Limits  ScopeLimits `yaml:"limits" doc:"Limits on all of its keys together."`
	Budgets []string    `yaml:"budgets" is:"name" doc:"Budgets that everything of its keys is charged to."`
}

// User is a person who has keys.
type User struct {
	Name    string      `yaml:",name" is:"person"`
	Teams   []string    `yaml:"teams" is:"name" absent:"none" doc:"Names of the teams the user is in. Where it is one, the user's keys are that team's; where there are several, each key says which."`
	Limits  ScopeLimits `yaml:"limits" doc:"Limits on all of the user's keys together."`
	Budgets []string    `yaml:"budgets" is:"name" doc:"Budgets that everything of the user's keys is charged to."`
}

// Place is a database.
type Place struct {
	URL      string `yaml:"url" is:"database" doc:"Where it is: postgres://user@host/name or redis://host:6379. A password stands apart."`
	Password Secret `yaml:"password" is:"pem" doc:"The password."`
}

// Named returns the node's name: the one in the document, else the host's.
func (n *Node) Named() string {
	if n.Name != "" {
		return n.Name
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "weir"
}

// owners are the names of a document that keys and each other refer to.
type owners struct {
	organisations, budgets map[string]bool
	teams                  map[string]*Team
	projects               map[string]*Project
	users                  map[string]*User
}

func (d *Document) owners() *owners {
	t := &owners{map[string]bool{}, map[string]bool{}, map[string]*Team{}, map[string]*Project{}, map[string]*User{}}
	for i := range d.Organisations {
		t.organisations[d.Organisations[i].Name] = true
	}
	for i := range d.Budgets {
		t.budgets[d.Budgets[i].Name] = true
	}
	for i := range d.Teams {
		t.teams[d.Teams[i].Name] = &d.Teams[i]
	}
	for i := range d.Projects {
		t.projects[d.Projects[i].Name] = &d.Projects[i]
	}
	for i := range d.Users {
		t.users[d.Users[i].Name] = &d.Users[i]
	}
	return t
}

// doubt is why it cannot be told whose a key is.
type doubt struct{ member, message, hint string }

// account returns whose a key is: its team is that of its project or its user unless it says so itself. What is not in
// the document is passed over; it is refused elsewhere.
func (t *owners) account(k *Key) (gateway.Account, *doubt) {
	a := gateway.Account{Key: k.Name, Project: k.Project, User: k.User, Team: k.Team}
	from := "team"
	if p := t.projects[k.Project]; p != nil && p.Team != "" {
		if a.Team != "" && a.Team != p.Team {
			return a, &doubt{"project", "the project `" + k.Project + "` is of the team `" + p.Team + "`, and the key says `" + a.Team + "`", "take `team` out, or name a project of that team"}
		}
		if a.Team == "" {
			a.Team, from = p.Team, "project"
		}
	}
	if u := t.users[k.User]; u != nil {
		switch {
		case a.Team == "" && len(u.Teams) == 1:
			a.Team = u.Teams[0]
		case a.Team == "" && len(u.Teams) > 1:
			return a, &doubt{"user", "the user `" + k.User + "` is in several teams", "say which the key is of: `team: " + u.Teams[0] + "`"}
		case a.Team != "" && len(u.Teams) > 0 && !slices.Contains(u.Teams, a.Team):
			what := "the user `" + k.User + "` is not in the team `" + a.Team + "`"
			if from == "project" {
				what += ", whose the project `" + k.Project + "` is"
			}
			return a, &doubt{"user", what, "add the team to users." + k.User + ".teams, or name another user"}
		}
	}
	if team := t.teams[a.Team]; team != nil {
		a.Organisation = team.Organisation
	}
	return a, nil
}

// Accounts returns what tells whose each key is. The error is one with its place in the document.
func (d *Document) Accounts() func(i int) (gateway.Account, error) {
	t := d.owners()
	return func(i int) (gateway.Account, error) {
		a, doubt := t.account(&d.Keys[i])
		if doubt != nil {
			return a, d.Problem(keyPath(i)+"."+doubt.member, doubt.message, doubt.hint)
		}
		return a, nil
	}
}
